//! `revisit store export`: bodies as files, all else in `index.json`.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;
use std::time::SystemTime;

use anyhow::anyhow;
use serde_json::{Value, json};

use super::list::{entries, taken_away};
use super::shelf::shelves;
use super::show::Uncopied;
use super::{open, show};
use crate::args::StorePlace;
use crate::failure::Failure;
use crate::terminal::say;

pub(super) async fn run(place: &StorePlace, folder: &Path, now: SystemTime) -> Result<(), Failure> {
    let store = open(&place.store)?;
    let failed = |what: &Path, error: std::io::Error| {
        let what = format!("cannot write `{}`", what.display());
        Failure::work(anyhow::Error::new(error).context(what)).help(HELP.to_owned())
    };
    fs::create_dir(folder).map_err(|error| failed(folder, error))?;
    let bodies = folder.join("bodies");
    fs::create_dir(&bodies).map_err(|error| failed(&bodies, error))?;
    let mut index: Vec<Value> = Vec::new();
    let (mut damaged, mut gone) = (0, 0);
    for shelf in shelves(&store, place).await? {
        for listed in shelf.entries().await? {
            let mut entry = show::of(&shelf, &listed, now);
            let name = format!("{:06}", index.len() + gone + 1);
            let path = bodies.join(&name);
            let file = File::create_new(&path).map_err(|error| failed(&path, error))?;
            let mut file = BufWriter::new(file);
            match show::copy(&shelf, &listed, &mut file).await {
                Ok(()) => entry["body"] = json!(format!("bodies/{name}")),
                Err(Uncopied::Unwritten(error)) => return Err(failed(&path, error)),
                Err(Uncopied::Gone) => {
                    drop(file);
                    fs::remove_file(&path).map_err(|error| failed(&path, error))?;
                    gone += 1;
                    continue;
                }
                Err(Uncopied::Unread(failure)) => {
                    drop(file);
                    fs::remove_file(&path).map_err(|error| failed(&path, error))?;
                    entry["damaged"] = json!(failure.to_string());
                }
            }
            damaged += usize::from(entry.get("damaged").is_some());
            index.push(entry);
        }
    }
    let count = entries(index.len() as u64);
    let exported = revisit_rules::http::precondition::http_date(now);
    let document = json!({ "exported": exported, "entries": index });
    let path = folder.join("index.json");
    fs::write(&path, format!("{document:#}\n")).map_err(|error| failed(&path, error))?;
    if place.json {
        say!(
            "{:#}",
            json!({ "entry_count": index.len(), "damaged": damaged, "gone": gone })
        );
    } else {
        say!("{count} in {}{}", folder.display(), taken_away(gone as u64));
    }
    if damaged > 0 {
        let error = anyhow!("{} could not be copied", entries(damaged as u64));
        let help = "`index.json` says under `damaged` what is off with each".to_owned();
        return Err(Failure::work(error).help(help));
    }
    Ok(())
}

const HELP: &str = "name a folder that is not there yet, where you may write";
