//! Digests of what a page loads, for its `integrity` attributes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Result;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha384};

use crate::tools::files;

/// A folder's scripts and modules by name, each with what `integrity` says of it.
pub(super) fn digests(folder: &Path) -> Result<String> {
    let mut digests = BTreeMap::new();
    for path in files(folder)? {
        let loaded = path
            .extension()
            .is_some_and(|kind| kind == "js" || kind == "wasm");
        let Some(name) = path.file_name().filter(|_| loaded) else {
            continue;
        };
        let digest = BASE64_STANDARD.encode(Sha384::digest(fs::read(&path)?));
        digests.insert(
            name.to_string_lossy().into_owned(),
            format!("sha384-{digest}"),
        );
    }
    Ok(serde_json::to_string_pretty(&digests)? + "\n")
}
