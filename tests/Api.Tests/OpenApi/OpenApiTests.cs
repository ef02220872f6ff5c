using System.Text.Json;
using DenoiseService.Api.Tests.Support;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace DenoiseService.Api.Tests.OpenApi;

public sealed class OpenApiTests(Service service) : IClassFixture<Service>
{
    [Fact]
    public async Task The_committed_document_is_what_the_service_generates()
    {
        string generated = (await service.CreateClient().GetStringAsync("/openapi/v1.json")).ReplaceLineEndings("\n").TrimEnd() + "\n";
        string path = Path.Combine(Root(), "docs", "openapi.json");
        // To accept a change: UPDATE_OPENAPI=1 dotnet test tests/Api.Tests --filter OpenApi
        if (Environment.GetEnvironmentVariable("UPDATE_OPENAPI") == "1") await File.WriteAllTextAsync(path, generated);
        Assert.Equal(await File.ReadAllTextAsync(path), generated);
    }

    [Fact]
    public async Task The_document_is_3_1_and_every_operation_has_name_summary_description_and_described_answers()
    {
        JsonElement document = await (await service.CreateClient().GetAsync("/openapi/v1.json")).JsonAsync();
        Assert.StartsWith("3.1.", document.GetProperty("openapi").GetString(), StringComparison.Ordinal);
        JsonElement[] operations = [.. document.GetProperty("paths").EnumerateObject().SelectMany(p => p.Value.EnumerateObject()).Select(o => o.Value)];
        Assert.Equal(43, operations.Length);
        foreach (JsonElement operation in operations)
        {
            foreach (string name in (string[])["operationId", "summary", "description"]) Assert.False(string.IsNullOrWhiteSpace(operation.GetProperty(name).GetString()));
            Assert.All(operation.GetProperty("responses").EnumerateObject(), r => Assert.True(r.Value.GetProperty("description").GetString()!.Split(' ').Length > 1, r.Name));
        }

        Assert.Equal(operations.Length, operations.Select(o => o.GetProperty("operationId").GetString()).Distinct().Count());
    }

    [Theory]
    [InlineData("/v1/denoise")]
    [InlineData("/v1/routing-map")]
    [InlineData("/v1/compare")]
    public async Task Picture_routes_type_their_binary_bodies_with_the_limit_and_list_every_refusal(string route)
    {
        JsonElement document = await (await service.CreateClient().GetAsync("/openapi/v1.json")).JsonAsync();
        JsonElement operation = document.GetProperty("paths").GetProperty(route).GetProperty("post");
        JsonElement content = operation.GetProperty("requestBody").GetProperty("content");
        foreach (JsonElement schema in (JsonElement[])[content.GetProperty("image/png").GetProperty("schema"), content.GetProperty("multipart/form-data").GetProperty("schema").GetProperty("properties").GetProperty("image")])
        {
            Assert.Equal(("string", "binary", 64 << 20), (schema.GetProperty("type").GetString(), schema.GetProperty("format").GetString(), schema.GetProperty("maxLength").GetInt32()));
        }

        Assert.Equal(["200", "400", "401", "403", "404", "406", "413", "415", "422", "429", "500", "503", "504"], operation.GetProperty("responses").EnumerateObject().Select(r => r.Name));
    }

    [Theory]
    [InlineData("Recipe", new string[0])]
    [InlineData("EvaluationJobRequest", new[] { "checkpoint", "protocol" })]
    [InlineData("EvaluationProtocol", new[] { "data", "sigmas" })]
    [InlineData("DataSource", new[] { "path" })]
    [InlineData("IndexRange", new[] { "first", "last" })]
    [InlineData("ModelConfig", new string[0])]
    [InlineData("ArtifactInfo", new[] { "createdAt", "length", "mediaType", "name", "sha256" })]
    public async Task Only_what_a_request_must_have_is_required(string schema, string[] required)
    {
        JsonElement document = await (await service.CreateClient().GetAsync("/openapi/v1.json")).JsonAsync();
        JsonElement described = document.GetProperty("components").GetProperty("schemas").GetProperty(schema);
        Assert.Equal(required, described.TryGetProperty("required", out JsonElement names) ? names.EnumerateArray().Select(n => n.GetString()) : []);
    }

    [Fact]
    public async Task A_model_is_answered_with_every_field_of_its_network()
    {
        JsonElement schemas = (await (await service.CreateClient().GetAsync("/openapi/v1.json")).JsonAsync()).GetProperty("components").GetProperty("schemas");
        JsonElement[] parts = [.. schemas.GetProperty("ModelInfo").GetProperty("properties").GetProperty("config").GetProperty("allOf").EnumerateArray()];
        Assert.Equal("#/components/schemas/ModelConfig", parts[0].GetProperty("$ref").GetString());
        Assert.Equal(schemas.GetProperty("ModelConfig").GetProperty("properties").EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal), parts[1].GetProperty("required").EnumerateArray().Select(n => n.GetString()!));
    }

    [Fact]
    public async Task Every_operation_but_the_open_ones_shows_its_scope_and_both_ways_of_sending_a_key()
    {
        JsonElement document = await (await service.CreateClient().GetAsync("/openapi/v1.json")).JsonAsync();
        JsonElement schemes = document.GetProperty("components").GetProperty("securitySchemes");
        Assert.Equal("X-Api-Key", schemes.GetProperty("apiKey").GetProperty("name").GetString());
        Assert.Equal("bearer", schemes.GetProperty("bearer").GetProperty("scheme").GetString());
        foreach (JsonProperty path in document.GetProperty("paths").EnumerateObject())
        {
            foreach (JsonElement operation in path.Value.EnumerateObject().Select(o => o.Value))
            {
                bool open = path.Name.StartsWith("/health/", StringComparison.Ordinal);
                Assert.Equal(!open, operation.TryGetProperty("security", out JsonElement security));
                if (open) continue;
                string scope = security[0].GetProperty("bearer")[0].GetString()!;
                Assert.Equal(scope, security[1].GetProperty("apiKey")[0].GetString());
                Assert.Contains(scope, (string[])["inference", "read", "admin"]);
                Assert.Contains($"Needs the scope `{scope}`.", operation.GetProperty("description").GetString(), StringComparison.Ordinal);
                foreach (string status in (string[])["401", "403"]) Assert.True(operation.GetProperty("responses").TryGetProperty(status, out _), path.Name);
            }
        }
    }

    [Fact]
    public void Every_route_has_a_name_and_a_summary()
    {
        _ = service.CreateClient();
        Endpoint[] endpoints = [.. service.Services.GetRequiredService<EndpointDataSource>().Endpoints];
        Assert.NotEmpty(endpoints);
        Assert.All(endpoints, e =>
        {
            Assert.False(string.IsNullOrEmpty(e.Metadata.GetMetadata<IEndpointNameMetadata>()?.EndpointName), e.DisplayName);
            Assert.False(string.IsNullOrEmpty(e.Metadata.GetMetadata<Microsoft.AspNetCore.Http.Metadata.IEndpointSummaryMetadata>()?.Summary), e.DisplayName);
        });
    }

    [Fact]
    public async Task Swagger_ui_is_served() => Assert.Contains("swagger-ui", await service.CreateClient().GetStringAsync("/swagger/index.html"), StringComparison.Ordinal);

    private static string Root()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Directory.Packages.props"))) folder = Path.GetDirectoryName(folder);
        return folder ?? throw new DirectoryNotFoundException("The repository's root.");
    }
}
