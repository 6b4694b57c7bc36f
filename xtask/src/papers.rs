//! What goes into the package beside the code: licences, the protocol, the README.

use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::tools::Repo;

/// Go as they are.
const COPIED: [&str; 3] = ["LICENSE-APACHE", "LICENSE-MIT", "PROTOCOL.md"];

/// What is read where its neighbours are not: npm would look for them in the folder of the package.
const README: &str = "README.md";

/// Writes them into `pkg`.
pub(crate) fn write(repo: &Repo) -> Result<()> {
    for paper in COPIED {
        fs::copy(repo.existing(paper)?, repo.path("pkg").join(paper))
            .with_context(|| format!("{paper} cannot be copied"))?;
    }
    let manifest: Value = serde_json::from_str(&repo.read("pkg/package.json")?)
        .context("pkg/package.json is not JSON")?;
    let url = manifest["repository"]["url"].as_str();
    let url = url.context("pkg/package.json names no repository")?;
    let site = url.trim_start_matches("git+").trim_end_matches(".git");
    let readme = with_addresses(&repo.read(README)?, &format!("{site}/blob/HEAD/"));
    fs::write(repo.path("pkg").join(README), readme).context("the README cannot be written")
}

/// Makes links to files of the repository, but those that are in the package, addresses. Code is left as it is.
fn with_addresses(markdown: &str, base: &str) -> String {
    let mut in_code = false;
    let mut made = String::with_capacity(markdown.len());
    for line in markdown.split_inclusive('\n') {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        if in_code || fence {
            made.push_str(line);
            continue;
        }
        let mut parts = line.split("](");
        made.push_str(parts.next().unwrap_or_default());
        for part in parts {
            made.push_str("](");
            if is_neighbour(part) {
                made.push_str(base);
            }
            made.push_str(part);
        }
    }
    made
}

fn is_neighbour(link: &str) -> bool {
    let address = link.split(')').next().unwrap_or_default();
    !(address.starts_with('#') || address.contains(':') || COPIED.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::with_addresses;

    #[test]
    fn links_to_files_that_are_not_in_the_package_become_addresses() {
        let made = |text| with_addresses(text, "https://x.example/blob/HEAD/");
        assert_eq!(
            made("[a](docs/json.md#b), [c](PROTOCOL.md)\n"),
            "[a](https://x.example/blob/HEAD/docs/json.md#b), [c](PROTOCOL.md)\n"
        );
        for kept in [
            "[a](#b) [c](https://y.example)\n",
            "```js\nlist[0](docs)\n```\n",
        ] {
            assert_eq!(made(kept), kept);
        }
    }
}
