//! What we build on: its licences and sources, and the defects that are known of it.

use anyhow::{Result, ensure};

use crate::tools::Repo;

/// How the programs put it that a list of defects cannot be had; what they say of defects has other words.
const UNREACHABLE: [&str; 4] = [
    "failed to fetch advisory database",
    "audit endpoint returned an error",
    "ENOTFOUND",
    "ECONNREFUSED",
];

/// Fails on a licence or a source that `deny.toml` does not allow, and on a known defect. Where the lists of defects cannot be
/// reached, that is said, and is no failure: the rest of the project builds without a network, too.
pub(crate) fn check(repo: &Repo) -> Result<()> {
    let deny = |what: &[&str]| {
        repo.cmd("cargo")
            .args(["deny", "--all-features", "check"])
            .args(what)
    };
    deny(&["--hide-inclusion-graph", "bans", "licenses", "sources"]).run()?;
    listed("crates", deny(&["advisories"]).heard()?)?;
    let npm = |folder: &str| {
        let npm = repo.cmd("npm").args(["audit", "--audit-level", "high"]);
        npm.args(["--prefix", folder]).heard()
    };
    listed("npm packages", npm(".")?)?;
    listed("npm packages of benches", npm("benches")?)?;
    listed("npm packages of docs/site", npm("docs/site")?)
}

/// Judges by how a program ended and what it said.
fn listed(what: &str, (succeeded, said): (bool, String)) -> Result<()> {
    if succeeded {
        println!("{what}: no known defects");
        return Ok(());
    }
    let unreachable = UNREACHABLE.iter().any(|words| said.contains(words));
    ensure!(unreachable, "{what}: known defects\n{said}");
    println!("{what}: NOT CHECKED for known defects, the list cannot be reached from here");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::listed;

    #[test]
    fn a_defect_fails_and_a_list_out_of_reach_does_not() {
        let said = |text: &str| (false, text.to_owned());
        assert!(listed("x", said("error[vulnerability]: a bug")).is_err());
        assert!(listed("x", said("npm error audit endpoint returned an error")).is_ok());
        assert!(listed("x", (true, String::new())).is_ok());
    }
}
