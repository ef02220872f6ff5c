using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace DenoiseService.Api.Storage.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class Initial : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "ApiKeys",
                columns: table => new
                {
                    Id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    Name = table.Column<string>(type: "TEXT", maxLength: 100, nullable: false),
                    Prefix = table.Column<string>(type: "TEXT", maxLength: 16, nullable: false),
                    Hash = table.Column<byte[]>(type: "BLOB", maxLength: 32, nullable: false),
                    Scopes = table.Column<int>(type: "INTEGER", nullable: false),
                    RateLimitPerMinute = table.Column<long>(type: "INTEGER", nullable: true),
                    CreatedAt = table.Column<long>(type: "INTEGER", nullable: false),
                    RevokedAt = table.Column<long>(type: "INTEGER", nullable: true),
                    LastUsedAt = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_ApiKeys", x => x.Id);
                    table.CheckConstraint("CK_ApiKey_Hash_Length", "length(\"Hash\") <= 32");
                    table.CheckConstraint("CK_ApiKey_Id_Length", "length(\"Id\") <= 64");
                    table.CheckConstraint("CK_ApiKey_Name_Length", "length(\"Name\") <= 100");
                    table.CheckConstraint("CK_ApiKey_Prefix_Length", "length(\"Prefix\") <= 16");
                });

            migrationBuilder.CreateTable(
                name: "Blobs",
                columns: table => new
                {
                    Sha256 = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    Length = table.Column<long>(type: "INTEGER", nullable: false),
                    TouchedAt = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_Blobs", x => x.Sha256);
                    table.CheckConstraint("CK_Blob_Sha256_Length", "length(\"Sha256\") <= 64");
                });

            migrationBuilder.CreateTable(
                name: "Jobs",
                columns: table => new
                {
                    Id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    Kind = table.Column<string>(type: "TEXT", maxLength: 32, nullable: false),
                    State = table.Column<string>(type: "TEXT", maxLength: 32, nullable: false),
                    Request = table.Column<string>(type: "TEXT", nullable: false),
                    EffectiveRequest = table.Column<string>(type: "TEXT", nullable: true),
                    Seed = table.Column<long>(type: "INTEGER", nullable: false),
                    Owner = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    IdempotencyKey = table.Column<string>(type: "TEXT", maxLength: 200, nullable: true),
                    BodySha256 = table.Column<string>(type: "TEXT", maxLength: 64, nullable: true),
                    CreatedAt = table.Column<long>(type: "INTEGER", nullable: false),
                    StartedAt = table.Column<long>(type: "INTEGER", nullable: true),
                    FinishedAt = table.Column<long>(type: "INTEGER", nullable: true),
                    UpdatedAt = table.Column<long>(type: "INTEGER", nullable: false),
                    Percent = table.Column<double>(type: "REAL", nullable: false),
                    Step = table.Column<long>(type: "INTEGER", nullable: false),
                    Steps = table.Column<long>(type: "INTEGER", nullable: true),
                    Epoch = table.Column<double>(type: "REAL", nullable: true),
                    EtaSeconds = table.Column<double>(type: "REAL", nullable: true),
                    Metrics = table.Column<string>(type: "TEXT", nullable: true),
                    Attempts = table.Column<int>(type: "INTEGER", nullable: false),
                    Error = table.Column<string>(type: "TEXT", maxLength: 4000, nullable: true),
                    CancelRequested = table.Column<bool>(type: "INTEGER", nullable: false),
                    LeaseOwner = table.Column<string>(type: "TEXT", maxLength: 128, nullable: true),
                    LeaseNumber = table.Column<long>(type: "INTEGER", nullable: false),
                    LeaseExpiresAt = table.Column<long>(type: "INTEGER", nullable: true),
                    ParentId = table.Column<string>(type: "TEXT", maxLength: 64, nullable: true),
                    Commit = table.Column<string>(type: "TEXT", maxLength: 64, nullable: true),
                    DataChecksum = table.Column<string>(type: "TEXT", maxLength: 128, nullable: true),
                    ResultVersionId = table.Column<string>(type: "TEXT", maxLength: 64, nullable: true),
                    Revision = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_Jobs", x => x.Id);
                    table.CheckConstraint("CK_Job_BodySha256_Length", "length(\"BodySha256\") <= 64");
                    table.CheckConstraint("CK_Job_Commit_Length", "length(\"Commit\") <= 64");
                    table.CheckConstraint("CK_Job_DataChecksum_Length", "length(\"DataChecksum\") <= 128");
                    table.CheckConstraint("CK_Job_Error_Length", "length(\"Error\") <= 4000");
                    table.CheckConstraint("CK_Job_Id_Length", "length(\"Id\") <= 64");
                    table.CheckConstraint("CK_Job_IdempotencyKey_Length", "length(\"IdempotencyKey\") <= 200");
                    table.CheckConstraint("CK_Job_Kind_Length", "length(\"Kind\") <= 32");
                    table.CheckConstraint("CK_Job_LeaseOwner_Length", "length(\"LeaseOwner\") <= 128");
                    table.CheckConstraint("CK_Job_Owner_Length", "length(\"Owner\") <= 64");
                    table.CheckConstraint("CK_Job_ParentId_Length", "length(\"ParentId\") <= 64");
                    table.CheckConstraint("CK_Job_ResultVersionId_Length", "length(\"ResultVersionId\") <= 64");
                    table.CheckConstraint("CK_Job_State_Length", "length(\"State\") <= 32");
                });

            migrationBuilder.CreateTable(
                name: "Promotions",
                columns: table => new
                {
                    Id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    Alias = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    FromVersionId = table.Column<string>(type: "TEXT", maxLength: 64, nullable: true),
                    ToVersionId = table.Column<string>(type: "TEXT", maxLength: 64, nullable: true),
                    At = table.Column<long>(type: "INTEGER", nullable: false),
                    By = table.Column<string>(type: "TEXT", maxLength: 128, nullable: false),
                    Reason = table.Column<string>(type: "TEXT", maxLength: 1000, nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_Promotions", x => x.Id);
                    table.CheckConstraint("CK_Promotion_Alias_Length", "length(\"Alias\") <= 64");
                    table.CheckConstraint("CK_Promotion_By_Length", "length(\"By\") <= 128");
                    table.CheckConstraint("CK_Promotion_FromVersionId_Length", "length(\"FromVersionId\") <= 64");
                    table.CheckConstraint("CK_Promotion_Id_Length", "length(\"Id\") <= 64");
                    table.CheckConstraint("CK_Promotion_Reason_Length", "length(\"Reason\") <= 1000");
                    table.CheckConstraint("CK_Promotion_ToVersionId_Length", "length(\"ToVersionId\") <= 64");
                });

            migrationBuilder.CreateTable(
                name: "BlobChunks",
                columns: table => new
                {
                    Sha256 = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    Index = table.Column<int>(type: "INTEGER", nullable: false),
                    Bytes = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_BlobChunks", x => new { x.Sha256, x.Index });
                    table.CheckConstraint("CK_BlobChunk_Sha256_Length", "length(\"Sha256\") <= 64");
                    table.ForeignKey(
                        name: "FK_BlobChunks_Blobs_Sha256",
                        column: x => x.Sha256,
                        principalTable: "Blobs",
                        principalColumn: "Sha256",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "Datasets",
                columns: table => new
                {
                    Id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    Name = table.Column<string>(type: "TEXT", maxLength: 100, nullable: false),
                    PictureCount = table.Column<int>(type: "INTEGER", nullable: false),
                    Bytes = table.Column<long>(type: "INTEGER", nullable: false),
                    Sha256 = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    ArchiveSha256 = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    Report = table.Column<string>(type: "TEXT", nullable: false),
                    CreatedAt = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_Datasets", x => x.Id);
                    table.CheckConstraint("CK_Dataset_ArchiveSha256_Length", "length(\"ArchiveSha256\") <= 64");
                    table.CheckConstraint("CK_Dataset_Id_Length", "length(\"Id\") <= 64");
                    table.CheckConstraint("CK_Dataset_Name_Length", "length(\"Name\") <= 100");
                    table.CheckConstraint("CK_Dataset_Sha256_Length", "length(\"Sha256\") <= 64");
                    table.ForeignKey(
                        name: "FK_Datasets_Blobs_ArchiveSha256",
                        column: x => x.ArchiveSha256,
                        principalTable: "Blobs",
                        principalColumn: "Sha256",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateTable(
                name: "ModelVersions",
                columns: table => new
                {
                    Id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    Name = table.Column<string>(type: "TEXT", maxLength: 100, nullable: false),
                    Sha256 = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    Length = table.Column<long>(type: "INTEGER", nullable: false),
                    Config = table.Column<string>(type: "TEXT", nullable: false),
                    Card = table.Column<string>(type: "TEXT", nullable: false),
                    Parameters = table.Column<long>(type: "INTEGER", nullable: false),
                    Metrics = table.Column<string>(type: "TEXT", nullable: true),
                    SourceJobId = table.Column<string>(type: "TEXT", maxLength: 64, nullable: true),
                    Seed = table.Column<long>(type: "INTEGER", nullable: true),
                    DataChecksum = table.Column<string>(type: "TEXT", maxLength: 128, nullable: true),
                    Commit = table.Column<string>(type: "TEXT", maxLength: 64, nullable: true),
                    CreatedAt = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_ModelVersions", x => x.Id);
                    table.CheckConstraint("CK_ModelVersion_Commit_Length", "length(\"Commit\") <= 64");
                    table.CheckConstraint("CK_ModelVersion_DataChecksum_Length", "length(\"DataChecksum\") <= 128");
                    table.CheckConstraint("CK_ModelVersion_Id_Length", "length(\"Id\") <= 64");
                    table.CheckConstraint("CK_ModelVersion_Name_Length", "length(\"Name\") <= 100");
                    table.CheckConstraint("CK_ModelVersion_Sha256_Length", "length(\"Sha256\") <= 64");
                    table.CheckConstraint("CK_ModelVersion_SourceJobId_Length", "length(\"SourceJobId\") <= 64");
                    table.ForeignKey(
                        name: "FK_ModelVersions_Blobs_Sha256",
                        column: x => x.Sha256,
                        principalTable: "Blobs",
                        principalColumn: "Sha256",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateTable(
                name: "JobArtifacts",
                columns: table => new
                {
                    Id = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    JobId = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    Name = table.Column<string>(type: "TEXT", maxLength: 200, nullable: false),
                    MediaType = table.Column<string>(type: "TEXT", maxLength: 128, nullable: false),
                    Sha256 = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    Length = table.Column<long>(type: "INTEGER", nullable: false),
                    CreatedAt = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_JobArtifacts", x => x.Id);
                    table.CheckConstraint("CK_JobArtifact_Id_Length", "length(\"Id\") <= 64");
                    table.CheckConstraint("CK_JobArtifact_JobId_Length", "length(\"JobId\") <= 64");
                    table.CheckConstraint("CK_JobArtifact_MediaType_Length", "length(\"MediaType\") <= 128");
                    table.CheckConstraint("CK_JobArtifact_Name_Length", "length(\"Name\") <= 200");
                    table.CheckConstraint("CK_JobArtifact_Sha256_Length", "length(\"Sha256\") <= 64");
                    table.ForeignKey(
                        name: "FK_JobArtifacts_Blobs_Sha256",
                        column: x => x.Sha256,
                        principalTable: "Blobs",
                        principalColumn: "Sha256",
                        onDelete: ReferentialAction.Restrict);
                    table.ForeignKey(
                        name: "FK_JobArtifacts_Jobs_JobId",
                        column: x => x.JobId,
                        principalTable: "Jobs",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "JobCheckpoints",
                columns: table => new
                {
                    JobId = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    Step = table.Column<long>(type: "INTEGER", nullable: false),
                    Sha256 = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    Length = table.Column<long>(type: "INTEGER", nullable: false),
                    Metrics = table.Column<string>(type: "TEXT", nullable: true),
                    CreatedAt = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_JobCheckpoints", x => new { x.JobId, x.Step });
                    table.CheckConstraint("CK_JobCheckpoint_JobId_Length", "length(\"JobId\") <= 64");
                    table.CheckConstraint("CK_JobCheckpoint_Sha256_Length", "length(\"Sha256\") <= 64");
                    table.ForeignKey(
                        name: "FK_JobCheckpoints_Blobs_Sha256",
                        column: x => x.Sha256,
                        principalTable: "Blobs",
                        principalColumn: "Sha256",
                        onDelete: ReferentialAction.Restrict);
                    table.ForeignKey(
                        name: "FK_JobCheckpoints_Jobs_JobId",
                        column: x => x.JobId,
                        principalTable: "Jobs",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "JobEvents",
                columns: table => new
                {
                    JobId = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    Sequence = table.Column<long>(type: "INTEGER", nullable: false),
                    At = table.Column<long>(type: "INTEGER", nullable: false),
                    Type = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    Data = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_JobEvents", x => new { x.JobId, x.Sequence });
                    table.CheckConstraint("CK_JobEvent_JobId_Length", "length(\"JobId\") <= 64");
                    table.CheckConstraint("CK_JobEvent_Type_Length", "length(\"Type\") <= 64");
                    table.ForeignKey(
                        name: "FK_JobEvents_Jobs_JobId",
                        column: x => x.JobId,
                        principalTable: "Jobs",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "ModelAliases",
                columns: table => new
                {
                    Name = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    VersionId = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    UpdatedAt = table.Column<long>(type: "INTEGER", nullable: false),
                    Revision = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_ModelAliases", x => x.Name);
                    table.CheckConstraint("CK_ModelAlias_Name_Length", "length(\"Name\") <= 64");
                    table.CheckConstraint("CK_ModelAlias_VersionId_Length", "length(\"VersionId\") <= 64");
                    table.ForeignKey(
                        name: "FK_ModelAliases_ModelVersions_VersionId",
                        column: x => x.VersionId,
                        principalTable: "ModelVersions",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateIndex(
                name: "IX_ApiKeys_Hash",
                table: "ApiKeys",
                column: "Hash",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_Blobs_TouchedAt",
                table: "Blobs",
                column: "TouchedAt");

            migrationBuilder.CreateIndex(
                name: "IX_Datasets_ArchiveSha256",
                table: "Datasets",
                column: "ArchiveSha256");

            migrationBuilder.CreateIndex(
                name: "IX_Datasets_Name",
                table: "Datasets",
                column: "Name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_JobArtifacts_JobId_Name",
                table: "JobArtifacts",
                columns: new[] { "JobId", "Name" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_JobArtifacts_Sha256",
                table: "JobArtifacts",
                column: "Sha256");

            migrationBuilder.CreateIndex(
                name: "IX_JobCheckpoints_Sha256",
                table: "JobCheckpoints",
                column: "Sha256");

            migrationBuilder.CreateIndex(
                name: "IX_Jobs_Owner_IdempotencyKey",
                table: "Jobs",
                columns: new[] { "Owner", "IdempotencyKey" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_Jobs_State",
                table: "Jobs",
                column: "State");

            migrationBuilder.CreateIndex(
                name: "IX_ModelAliases_VersionId",
                table: "ModelAliases",
                column: "VersionId");

            migrationBuilder.CreateIndex(
                name: "IX_ModelVersions_Sha256",
                table: "ModelVersions",
                column: "Sha256",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_Promotions_Alias_At",
                table: "Promotions",
                columns: new[] { "Alias", "At" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "ApiKeys");

            migrationBuilder.DropTable(
                name: "BlobChunks");

            migrationBuilder.DropTable(
                name: "Datasets");

            migrationBuilder.DropTable(
                name: "JobArtifacts");

            migrationBuilder.DropTable(
                name: "JobCheckpoints");

            migrationBuilder.DropTable(
                name: "JobEvents");

            migrationBuilder.DropTable(
                name: "ModelAliases");

            migrationBuilder.DropTable(
                name: "Promotions");

            migrationBuilder.DropTable(
                name: "Jobs");

            migrationBuilder.DropTable(
                name: "ModelVersions");

            migrationBuilder.DropTable(
                name: "Blobs");
        }
    }
}
