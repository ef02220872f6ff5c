// The tests of this assembly share libtorch's threads and count its tensors: one at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
