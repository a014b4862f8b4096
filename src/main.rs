//! The `rubrique` program.

mod cli;

/// What one thread reads another works on and a third gives back: an allocator that minds takes a third of the time of two
/// threads away.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::run()
}
