//! The snippet for nginx, to be included in the `server` block of the site.
//!
//! It sets a variable and one `add_header` at the level of the server: an empty value is not sent,
//! and a `location` that has an `add_header` of its own keeps that alone, for "these directives are
//! inherited from the previous configuration level if and only if there are no `add_header` directives
//! defined on the current level" (<https://nginx.org/en/docs/http/ngx_http_headers_module.html>). So it
//! adds no `location` that could take requests from those of the owner.

use revisit_rules::site::names::Promise;

use super::lifetimes::Cover;

/// Its name in the output folder.
pub(crate) const SNIPPET: &str = "nginx.conf";

/// Lifetimes of the worker and of what `covers` names, below `base`.
pub(crate) fn snippet(base: &str, worker: &str, covers: &[Cover]) -> String {
    let (fresh, never) = (
        Promise::ContentHash.cache_control(),
        Promise::None.cache_control(),
    );
    let mut text = format!(
        "# Written by `revisit build`, anew each time. Include it in the `server` block of this site:\n\
         #\n\
         #     include /path/to/the/site/revisit/{SNIPPET};\n\
         #\n\
         # `add_header` of the `http` block must be repeated in that `server` block, since nginx hands it\n\
         # down only to where there is none; a `location` with an `add_header` of its own keeps its own.\n\n\
         set $revisit_cache_control \"\";\n"
    );
    let mut rule = |test: String, value: &str| {
        text.push_str(&format!(
            "if ($uri {test}) {{ set $revisit_cache_control \"{value}\"; }}\n"
        ));
    };
    for cover in covers {
        match cover {
            Cover::Below(folder) => rule(format!("~ \"^{}/\"", literal(base, folder)), fresh),
            Cover::File(file) => rule(format!("= \"{base}{file}\""), fresh),
        }
    }
    rule(format!("= \"{base}{worker}\""), never);
    text.push_str("add_header Cache-Control $revisit_cache_control;\n");
    text.push_str(&format!(
        "location = {base}revisit/{SNIPPET} {{ return 404; }}\n"
    ));
    text
}

/// As a regular expression: names here have no other character that means something in one.
fn literal(base: &str, folder: &str) -> String {
    format!("{base}{folder}").replace('.', "\\.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_names_its_folder_or_file_below_the_base() {
        let covers = [
            Cover::Below("a.b/c".into()),
            Cover::File("x-1a2b3c4d.js".into()),
        ];
        let text = snippet("/shop/", "sw.js", &covers);
        let rules: Vec<&str> = text.lines().filter(|line| line.starts_with("if")).collect();
        assert_eq!(
            rules,
            [
                "if ($uri ~ \"^/shop/a\\.b/c/\") { set $revisit_cache_control \"public, max-age=31536000, immutable\"; }",
                "if ($uri = \"/shop/x-1a2b3c4d.js\") { set $revisit_cache_control \"public, max-age=31536000, immutable\"; }",
                "if ($uri = \"/shop/sw.js\") { set $revisit_cache_control \"no-cache\"; }",
            ]
        );
    }
}
