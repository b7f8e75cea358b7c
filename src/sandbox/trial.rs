//! Trials of the sandbox without a network.
