using DenoiseService.Api.Settings;

namespace DenoiseService.Api.Webhooks;

/// <summary>How many webhooks there may be, where they may lead, and how often a message is tried.</summary>
internal sealed class WebhooksOptions
{
    /// <summary>The section of the settings.</summary>
    public const string Section = "Webhooks";

    /// <summary>Webhooks that there may be. 1 to 1,000; default 20.</summary>
    [Bounds(1, 1000)]
    public int MaxWebhooks { get; set; } = 20;

    /// <summary>Also send to loopback, private and other addresses that are not public, and over http: for development, and for receivers inside a cluster. Default false.</summary>
    public bool AllowPrivateAddresses { get; set; }

    /// <summary>Attempts before a message is given up. 1 to 100; default 15, which with the default first delay is about 17 hours.</summary>
    [Bounds(1, 100)]
    public int MaxAttempts { get; set; } = 15;

    /// <summary>Seconds between the first attempt and the second; twice as many with each further one, up to 6 hours, give or take a quarter. 0.01 to 3,600; default 5.</summary>
    [Bounds(0.01, 3600)]
    public double FirstDelaySeconds { get; set; } = 5;

    /// <summary>Seconds that an attempt may take, from the look-up of the name to the status. 0.1 to 300; default 10.</summary>
    [Bounds(0.1, 300)]
    public double AttemptSeconds { get; set; } = 10;

    /// <summary>Messages that a process sends to one webhook at the same time. 1 to 64; default 4.</summary>
    [Bounds(1, 64)]
    public int Parallel { get; set; } = 4;

    /// <summary>Seconds between two looks for messages that are due. 0.05 to 60; default 1.</summary>
    [Bounds(0.05, 60)]
    public double PollSeconds { get; set; } = 1;

    /// <summary>Days that a delivered or failed message is kept. 0.001 to 36,500; default 30.</summary>
    [Bounds(0.001, 36_500)]
    public double KeepDays { get; set; } = 30;

    /// <summary><see cref="AttemptSeconds"/>.</summary>
    public TimeSpan Attempt => TimeSpan.FromSeconds(AttemptSeconds);
}
