//! The README's shell commands: each is one this program accepts, or one of a short list.

use anyhow::{Result, ensure};
use clap::Parser;

use crate::cli::Cli;
use crate::tools::Repo;

/// What the README may tell a reader to run besides `cargo xtask`.
const KNOWN: [&str; 9] = [
    "git clone ",
    "cd ",
    "curl ",
    "npm install ",
    "npm i ",
    "npx ",
    "node server.mjs",
    "cargo add ",
    "cargo run -p throughline-server",
];

/// Checks every command in the README's `sh` blocks and names each one that is not known.
pub(crate) fn check(repo: &Repo) -> Result<()> {
    let readme = repo.read("README.md")?;
    let commands = commands(&readme);
    ensure!(!commands.is_empty(), "README.md has no `sh` block");
    let mut unknown = 0;
    for (line, command) in &commands {
        if let Err(why) = verdict(command) {
            unknown += 1;
            eprintln!("README.md:{line}: `{command}`: {why}");
        }
    }
    ensure!(
        unknown == 0,
        "{unknown} commands of README.md are not known"
    );
    println!("{} commands of README.md are known", commands.len());
    Ok(())
}

/// Lists the commands with their line numbers: comments, blank lines and a leading `$` left out.
fn commands(markdown: &str) -> Vec<(usize, &str)> {
    let mut fence = None;
    let mut found = Vec::new();
    for (at, line) in markdown.lines().enumerate() {
        let line = line.trim();
        if let Some(info) = line.strip_prefix("```") {
            fence = if fence.is_some() {
                None
            } else {
                Some(info.trim())
            };
            continue;
        }
        if !matches!(fence, Some("sh" | "bash" | "shell" | "console")) {
            continue;
        }
        let code = line.split(" #").next().unwrap_or(line);
        for command in code.trim_start_matches("$ ").split("&&").map(str::trim) {
            if !command.is_empty() && !command.starts_with('#') {
                found.push((at + 1, command));
            }
        }
    }
    found
}

fn verdict(command: &str) -> Result<(), String> {
    if let Some(args) = command.strip_prefix("cargo xtask") {
        return match Cli::try_parse_from(["xtask"].into_iter().chain(args.split_whitespace())) {
            Ok(_) => Ok(()),
            Err(error) if !error.use_stderr() => Ok(()),
            Err(error) => Err(error.to_string()),
        };
    }
    if KNOWN.iter().any(|known| command.starts_with(known)) {
        return Ok(());
    }
    Err("neither a `cargo xtask` command nor a listed one".into())
}

#[cfg(test)]
mod tests {
    use super::{commands, verdict};

    #[test]
    fn only_shell_blocks_hold_commands() {
        let text = "cd no\n```sh\n# a\n$ cd a && cargo xtask demo # b\n```\n```js\nx()\n```\n";
        assert_eq!(commands(text), [(4, "cd a"), (4, "cargo xtask demo")]);
    }

    #[test]
    fn a_command_of_this_program_is_parsed_as_it_would_be_run() {
        assert_eq!(verdict("cargo xtask test wasm fmt"), Ok(()));
        assert_eq!(verdict("cargo xtask --help"), Ok(()));
        assert!(verdict("cargo xtask test nothing").is_err());
        assert!(verdict("cargo xtask demo --prot 1").is_err());
        assert!(verdict("make").is_err());
    }
}
