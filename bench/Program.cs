using DenoiseService.Bench;

// Every benchmark prints a Markdown table for docs/RESULTS.md. Rivals take turns within one run, so that a slow minute hits all of them.
return args switch
{
    ["inference"] => InferenceBench.Run(Console.Out),
    ["training"] => TrainingBench.Run(Console.Out),
    ["photograph", .. var rest] => await PhotographBench.RunAsync(Console.Out, rest),
    ["jobs", .. var rest] => await JobBench.RunAsync(Console.Out, rest),
    ["convolution"] => ConvolutionBench.Run(Console.Out),
    ["rival", .. var rest] => RivalBench.Run(Console.Out, rest),
    ["all", .. var rest] => MemoryBench.Run(Console.Out, rest[..1]) + await PhotographBench.RunAsync(Console.Out, rest) + InferenceBench.Run(Console.Out) + TrainingBench.Run(Console.Out),
    ["memory", .. var rest] => MemoryBench.Run(Console.Out, rest),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("""
        dotnet run -c Release --project bench -- inference                  images/s at 32×32: direct form, fast form, engine; libtorch's own matrix products
        dotnet run -c Release --project bench -- training                   ms of a training step of 64: direct form, fast form, replicas
        dotnet run -c Release --project bench -- photograph CHECKPOINT API  seconds per megapixel of a 12-megapixel picture, engine and HTTP; API = DenoiseService.Api.dll
        dotnet run -c Release --project bench -- jobs API                   p50 and p95 over HTTP with and without a training job
        dotnet run -c Release --project bench -- rival CHECKPOINT           seconds per megapixel of the engine and of FFDNet's convolutions
        dotnet run -c Release --project bench -- convolution                ns a pixel of the shipped network's pair of convolutions: the library's and our own
        dotnet run -c Release --project bench -- all CHECKPOINT API         memory, photograph, inference and training in one run
        dotnet run -c Release --project bench -- memory CHECKPOINT          peak memory of a 50-megapixel picture through the engine
        """);
    return 2;
}
