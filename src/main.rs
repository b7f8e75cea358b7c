//! The `landfall` program.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A plan of many sites is millions of small values on every core; see docs/adr/0054-mimalloc.md.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    landfall::cli::main()
}
