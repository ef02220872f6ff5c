using DenoiseService.Api.Access;
using DenoiseService.Api.Datasets;
using DenoiseService.Api.Jobs;
using DenoiseService.Api.Models;
using DenoiseService.Api.Pictures;
using DenoiseService.Api.Serving;
using DenoiseService.Api.Storage;
using DenoiseService.Api.Webhooks;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Tests.Settings;

public sealed class SettingsTests
{
    [Theory]
    [InlineData("Inference:Threads", "0", "1 to 1024")]
    [InlineData("Inference:Overlap", "-1", "0 to 512")]
    [InlineData("Inference:MaxBatchPatches", "0", "1 to 1048576")]
    [InlineData("Inference:MaxQueuedPatches", "0", "1 to 2000000000")]
    [InlineData("Inference:MaxQueuedRequests", "0", "1 to 100000")]
    [InlineData("Inference:MaxQueuedBytes", "1023", "1024 to 68719476736")]
    [InlineData("Inference:RequestTimeoutSeconds", "0", "0.01 to 86400")]
    [InlineData("Inference:RequestTimeoutSeconds", "NaN", "0.01 to 86400")]
    [InlineData("Inference:DrainSeconds", "-1", "0 to 3600")]
    [InlineData("Inference:FinishSeconds", "3601", "0 to 3600")]
    [InlineData("Images:MaxBytes", "1023", "1024 to 1073741824")]
    [InlineData("Images:MaxMegapixels", "701", "0.001 to 700")]
    [InlineData("Images:MaxSide", "15", "16 to 1000000")]
    [InlineData("Images:MaxFrames", "0", "1 to 10000")]
    [InlineData("Images:Quality", "101", "1 to 100")]
    [InlineData("Images:MaxConcurrentCodecs", "0", "1 to 1024")]
    [InlineData("Storage:Provider", "Oracle", "Sqlite or PostgreSql")]
    [InlineData("Storage:DataFolder", "", "must be a folder")]
    [InlineData("Storage:CheckSeconds", "0", "0.1 to 3600")]
    [InlineData("Storage:ConnectionString", "Host=db", "Storage:Provider is Sqlite")]
    [InlineData("Jobs:Threads", "0", "1 to 256")]
    [InlineData("Jobs:LeaseSeconds", "0.1", "0.5 to 3600")]
    [InlineData("Jobs:ReconcileSeconds", "0", "0.1 to 3600")]
    [InlineData("Jobs:MaxAttempts", "0", "1 to 1000000")]
    [InlineData("Jobs:CheckpointSeconds", "-1", "0 to 86400")]
    [InlineData("Jobs:MaxYieldSeconds", "61", "0 to 60")]
    [InlineData("Jobs:MaxBatchBytes", "1048575", "1048576 to 1099511627776")]
    [InlineData("Jobs:KeepDays", "0", "0.001 to 36500")]
    [InlineData("Datasets:MaxBytes", "1", "1024 to 17179869184")]
    [InlineData("Datasets:MaxUnpackedBytes", "1", "1024 to 68719476736")]
    [InlineData("Datasets:MaxFiles", "0", "1 to 65535")]
    [InlineData("Datasets:MaxMegapixels", "0", "0.001 to 1000000")]
    [InlineData("Models:Folder", "", "must be a folder")]
    [InlineData("Models:Default", "../secret", "letters, digits")]
    [InlineData("Security:AdminKey", "short", "32 to 256")]
    [InlineData("Security:AdminKey", "0123456789 0123456789 0123456789 0123456789", "without blanks")]
    [InlineData("Security:AnonymousScopes", "None", "Inference, Read, Admin")]
    [InlineData("Security:AnonymousScopes", "8", "Inference, Read, Admin")]
    [InlineData("Security:KeyCacheSeconds", "61", "0 to 60")]
    [InlineData("RateLimit:PatchesPerMinute", "-1", "0 to 1000000000000")]
    [InlineData("RateLimit:AnonymousPatchesPerMinute", "-1", "0 to 1000000000000")]
    [InlineData("RateLimit:BurstSeconds", "0", "1 to 86400")]
    [InlineData("Models:PollSeconds", "0", "0.05 to 3600")]
    [InlineData("Models:MaxLoaded", "0", "1 to 64")]
    [InlineData("Models:MaxUploadBytes", "1023", "1024 to 1073741824")]
    [InlineData("Webhooks:MaxWebhooks", "0", "1 to 1000")]
    [InlineData("Webhooks:MaxAttempts", "101", "1 to 100")]
    [InlineData("Webhooks:FirstDelaySeconds", "0", "0.01 to 3600")]
    [InlineData("Webhooks:AttemptSeconds", "301", "0.1 to 300")]
    [InlineData("Webhooks:Parallel", "0", "1 to 64")]
    [InlineData("Webhooks:PollSeconds", "0", "0.05 to 60")]
    [InlineData("Webhooks:KeepDays", "0", "0.001 to 36500")]
    [InlineData("Models:GateMetric", "psnr", "neither GateLeast nor GateMaxLoss")]
    public void A_setting_out_of_range_stops_the_start_with_its_name_and_bounds(string name, string value, string bounds)
    {
        string failure = Assert.Single(Assert.Throws<OptionsValidationException>(() => Check((name, value))).Failures);
        Assert.StartsWith(name + ": ", failure, StringComparison.Ordinal);
        Assert.Contains(bounds, failure, StringComparison.Ordinal);
        if (name.EndsWith("Key", StringComparison.Ordinal)) Assert.DoesNotContain(value, failure, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Inference:Threads", "many", "Inference:Threads: is many; it must be 1 to 1024.")]
    [InlineData("Inference:Precision", "Float8", "Inference:Precision: is Float8; it must be Float32, BFloat16.")]
    [InlineData("Roles:Worker", "perhaps", "Roles:Worker: is perhaps; it must be true or false.")]
    public void A_setting_of_another_type_stops_the_start_with_its_name_and_bounds(string name, string value, string expected) =>
        Assert.Equal(expected, Assert.Single(Assert.Throws<OptionsValidationException>(() => Check((name, value))).Failures));

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("Data Source=secret.db", "is not a connection string")]
    [InlineData("Host=db;Port=secret", "is not a connection string")]
    [InlineData("Database=secret", "is not a connection string")]
    public void PostgreSql_wants_a_connection_string_and_a_wrong_one_is_not_shown(string text, string sentence)
    {
        string failure = Assert.Single(Assert.Throws<OptionsValidationException>(() => Check(("Storage:Provider", "PostgreSql"), ("Storage:ConnectionString", text))).Failures);
        Assert.StartsWith("Storage:ConnectionString: " + sentence, failure, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", failure, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Models:GateLeast", "30", "Models:GateMetric: is empty")]
    [InlineData("Models:GateMaxLoss", "0.1", "Models:GateMetric: is empty")]
    public void A_limit_of_the_gate_needs_its_metric(string name, string value, string sentence) =>
        Assert.StartsWith(sentence, Assert.Single(Assert.Throws<OptionsValidationException>(() => Check((name, value))).Failures), StringComparison.Ordinal);

    [Fact]
    public void A_loss_that_the_gate_allows_is_not_negative() =>
        Assert.StartsWith("Models:GateMaxLoss: is -1; it must be 0 or more.", Assert.Single(Assert.Throws<OptionsValidationException>(() => Check(("Models:GateMetric", "psnr"), ("Models:GateMaxLoss", "-1"))).Failures), StringComparison.Ordinal);

    [Fact]
    public void A_process_has_a_role() =>
        Assert.StartsWith("Roles:Worker: and Roles:Api are both false", Assert.Single(Assert.Throws<OptionsValidationException>(() => Check(("Roles:Api", "false"), ("Roles:Worker", "false"))).Failures), StringComparison.Ordinal);

    [Fact]
    public void The_defaults_are_valid() => Check();

    private static void Check(params (string Name, string Value)[] settings)
    {
        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Name, (string?)s.Value))).Build();
        using ServiceProvider services = new ServiceCollection().AddSingleton(configuration).AddStorage().AddModels().AddServing().AddPictures().AddAccess().AddDatasets().AddWebhooks().AddJobs().BuildServiceProvider();
        services.GetRequiredService<IStartupValidator>().Validate();
    }
}
