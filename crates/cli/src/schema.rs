//! The JSON Schema of `revisit.toml`, made of the doc comments of the config.

use crate::config::Config;
use crate::failure::Failure;
use crate::terminal::say;

pub(crate) fn run() -> Result<(), Failure> {
    say!("{}", text().trim_end());
    Ok(())
}

fn text() -> String {
    let schema = schemars::schema_for!(Config);
    format!("{:#}\n", schema.as_value())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_published_schema_is_up_to_date() {
        assert_eq!(
            super::text(),
            include_str!("../../../docs/revisit.schema.json"),
            "write it anew: cargo run -- schema > docs/revisit.schema.json"
        );
    }
}
