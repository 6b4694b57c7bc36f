//! The names by which the wasm and its glue know each other: short ones, once both are made.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Renames in the glue what wasm-opt renamed in the wasm; `renamed` is what that printed.
pub(crate) fn shorten(glue: &Path, renamed: &str) -> Result<()> {
    let renamed: Value = serde_json::from_str(renamed).context("wasm-opt names no names")?;
    let text = fs::read_to_string(glue)?;
    fs::write(glue, renamed_in(&text, &renamed)?).context("the glue cannot be written")
}

fn renamed_in(glue: &str, renamed: &Value) -> Result<String> {
    let mut names = BTreeMap::new();
    for import in list(renamed, "imports") {
        let [module, old, new] = strings(import)?;
        names.insert(format!("{old}:"), format!("{new}:"));
        // wasm-opt gives all modules one name.
        names.insert(format!("\"{module}\":"), "\"a\":".to_owned());
    }
    for export in list(renamed, "exports") {
        let [old, new] = strings(export)?;
        names.insert(format!("wasm.{old}"), format!("wasm.{new}"));
    }
    let mut text = String::with_capacity(glue.len());
    let mut rest = glue;
    while let Some(start) = rest.find(|c: char| is_name(c) || c == '"') {
        let (before, word) = rest.split_at(start);
        text.push_str(before);
        let end = end_of(word);
        let (word, after) = word.split_at(end);
        text.push_str(names.get(word).map_or(word, String::as_str));
        rest = after;
    }
    text.push_str(rest);
    let left = text.matches("__wbg_get_imports").count();
    ensure!(left > 0, "the glue's shape has changed");
    Ok(text)
}

/// The end of a word: `wasm.name`, `key:`, `"text":`, or less than that.
fn end_of(word: &str) -> usize {
    if let Some(quoted) = word.strip_prefix('"') {
        let end = quoted.find(['"', '\n']).map_or(word.len(), |at| at + 2);
        return end + usize::from(word[end..].starts_with(':'));
    }
    let name = |from: usize| {
        let rest = &word[from..];
        from + rest.find(|c| !is_name(c)).unwrap_or(rest.len())
    };
    let end = name(0);
    if &word[..end] == "wasm" && word[end..].starts_with('.') {
        return name(end + 1);
    }
    end + usize::from(word[end..].starts_with(':'))
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$'
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().into_iter().flatten()
}

fn strings<const N: usize>(value: &Value) -> Result<[&str; N]> {
    let strings: Vec<&str> = value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    strings.try_into().ok().context("a name of another shape")
}

#[cfg(test)]
mod tests {
    use super::renamed_in;
    use serde_json::json;

    #[test]
    fn names_are_changed_where_they_are_whole() {
        let glue = "function __wbg_get_imports() { const import0 = {\n  __wbg_new_1: function(a) { return wasm.core_new(a) },\n  __wbg_new_12: 1 };\n \
                    return { \"./t_bg.js\": import0, };}\nwasm.core_new_2(); x.core_new; 'wasm'; \"core_new\"";
        let renamed = json!({
            "imports": [["./t_bg.js", "__wbg_new_1", "b"]],
            "exports": [["core_new", "c"]],
        });
        assert_eq!(
            renamed_in(glue, &renamed).unwrap(),
            "function __wbg_get_imports() { const import0 = {\n  b: function(a) { return wasm.c(a) },\n  __wbg_new_12: 1 };\n \
             return { \"a\": import0, };}\nwasm.core_new_2(); x.core_new; 'wasm'; \"core_new\""
        );
    }
}
