//! Builds, caches and finds guest kernels.
