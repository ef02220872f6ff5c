// Some tests time a refusal: on two cores nothing else may run beside them.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
