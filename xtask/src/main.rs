//! The project's own commands: `cargo xtask --help`.

mod arrows;
mod audit;
mod build;
mod clauses;
mod cli;
mod demo;
mod docs;
mod inline;
mod licences;
mod measure;
mod pack;
mod papers;
mod server;
mod setup;
mod site;
mod size;
mod systems;
mod test;
mod tools;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Task};
use crate::tools::Repo;

fn main() -> ExitCode {
    let task = Cli::parse().task;
    let done = Repo::open().and_then(|repo| match task {
        Task::Setup(args) => setup::run(&repo, args.scope()).map(|()| ExitCode::SUCCESS),
        Task::Build(args) => build::run(&repo, args.flavour()).map(|()| ExitCode::SUCCESS),
        Task::Demo(args) => demo::run(&repo, &args).map(|()| ExitCode::SUCCESS),
        Task::Docs(args) => site::run(&repo, &args).map(|()| ExitCode::SUCCESS),
        Task::Test(args) => Ok(test::run(&repo, &args)),
        Task::Pack(args) => pack::run(&repo, &args).map(|()| ExitCode::SUCCESS),
        Task::Measure(args) => measure::run(&repo, &args).map(|()| ExitCode::SUCCESS),
    });
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
