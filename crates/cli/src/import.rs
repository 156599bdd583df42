//! `revisit import`: a config of another tool in, or an AppCache manifest, `revisit.toml` out, and a word on each of its options.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use revisit_generator::import::{
    ImportError, Imported, Outcome, import, import_manifest, is_manifest,
};
use serde_json::json;

use crate::args::ImportArgs;
use crate::failure::Failure;
use crate::terminal::{counted, plain, say};

pub(crate) fn run(args: &ImportArgs) -> Result<(), Failure> {
    if let Some(out) = &args.out
        && !args.force
        && out.exists()
    {
        return Err(there_already(out));
    }
    let bytes = read(&args.file)?;
    let name = args.file.file_name().unwrap_or_default().to_string_lossy();
    if let Some(site) = &args.site
        && !site.is_dir()
    {
        let error = anyhow!("`{}` is no folder", site.display());
        return Err(Failure::words(error).help(HELP_SITE.to_owned()));
    }
    let made = match is_manifest(&name, &bytes) {
        true => import_manifest(&bytes, &path_in_site(args), args.site.as_deref()),
        false => import_config(args, &name, text(bytes, &args.file)?),
    };
    let made = made.map_err(|error| {
        let help = error.help().to_owned();
        let error = anyhow!(error).context(format!("cannot import `{}`", args.file.display()));
        Failure::work(error).help(help)
    })?;
    let lost = made.lost();
    let refused = args.strict && lost > 0;
    if args.json {
        say!(
            "{:#}",
            json!({ "written": written(args, refused), "imported": made })
        );
    } else {
        eprint!("{}", told(&made, &args.file));
    }
    if refused {
        let error = anyhow!("{} without a counterpart", counted(lost, "option"));
        return Err(Failure::work(error).help(HELP_STRICT.to_owned()));
    }
    match &args.out {
        Some(out) => write(out, &made.toml, args.force)?,
        None if !args.json => say!("{}", made.toml.trim_end()),
        None => {}
    }
    Ok(())
}

fn import_config(args: &ImportArgs, name: &str, text: String) -> Result<Imported, ImportError> {
    let folder = args.file.parent().unwrap_or(Path::new(""));
    let site = |named: &str| match (&args.site, named) {
        (Some(site), _) => Some(site.clone()),
        (None, "") => None,
        (None, named) => Some(folder.join(named)).filter(|it| it.is_dir()),
    };
    import(&text, name, None).and_then(|made| match site(&made.site) {
        // Once the folder is known, once more: which URLs are files?
        Some(site) => import(&text, name, Some(&|file| site.join(file).is_file())),
        None => Ok(made),
    })
}

/// Where the manifest lies below the site's folder; at its root, if it lies elsewhere.
fn path_in_site(args: &ImportArgs) -> String {
    let name = args.file.file_name().unwrap_or_default().to_string_lossy();
    let real = |path: &Path| fs::canonicalize(path).ok();
    let below = args.site.as_deref().and_then(|site| {
        let (site, file) = (real(site)?, real(&args.file)?);
        let path = file.strip_prefix(site).ok()?.to_str()?;
        Some(path.replace(std::path::MAIN_SEPARATOR, "/"))
    });
    below.unwrap_or_else(|| name.into_owned())
}

fn written(args: &ImportArgs, refused: bool) -> Option<&PathBuf> {
    args.out.as_ref().filter(|_| !refused)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read =
        fs::File::open(path).and_then(|file| file.take(BYTES_MAX + 1).read_to_end(&mut bytes));
    match read {
        Err(error) => Err(unreadable(path, anyhow::Error::new(error))),
        Ok(_) if bytes.len() as u64 > BYTES_MAX => {
            let error = anyhow!("it has more than {BYTES_MAX} bytes");
            Err(unreadable(path, error))
        }
        Ok(_) => Ok(bytes),
    }
}

fn text(bytes: Vec<u8>, path: &Path) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|_| unreadable(path, anyhow!("it is not UTF-8")))
}

fn unreadable(path: &Path, why: anyhow::Error) -> Failure {
    let why = why.context(format!("cannot read `{}`", path.display()));
    Failure::words(why).help(HELP_FILE.to_owned())
}

/// Never over a file that somebody may have written by hand, unless told so.
fn write(path: &Path, text: &str, force: bool) -> Result<(), Failure> {
    let mut options = fs::File::options();
    options.write(true);
    match force {
        true => options.create(true).truncate(true),
        false => options.create_new(true),
    };
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    match written {
        Ok(()) => {
            eprintln!("wrote {}", path.display());
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(there_already(path)),
        Err(error) => {
            let error =
                anyhow::Error::new(error).context(format!("cannot write `{}`", path.display()));
            Err(Failure::work(error).help(HELP_OUT.to_owned()))
        }
    }
}

fn there_already(path: &Path) -> Failure {
    let error = anyhow!("`{}` is there already", path.display());
    Failure::words(error).help(HELP_FORCE.to_owned())
}

/// A line for each option.
fn told(made: &Imported, file: &Path) -> String {
    let mut out = format!("read {}: {}\n", file.display(), made.tool.name());
    for finding in &made.findings {
        let (word, what) = match &finding.outcome {
            Outcome::Mapped { to, note: None } => ("mapped", format!(" → {to}")),
            Outcome::Mapped {
                to,
                note: Some(note),
            } => ("mapped", format!(" → {to} ({note})")),
            Outcome::Needless { why } => ("needless", format!(": {why}")),
            Outcome::Lost { why } => ("lost", format!(": {why}")),
        };
        let place = format!("{}:{}", finding.line, finding.column);
        out.push_str(&format!(
            "  {word:<8} {place:>6}  {}{what}\n",
            finding.option
        ));
    }
    for note in &made.notes {
        out.push_str(&format!("  note     {note}\n"));
    }
    if !made.site.is_empty() {
        out.push_str(&format!("  next     revisit build {}\n", made.site));
    }
    // options are words of the file, which may be anybody's
    let lines: Vec<String> = out.lines().map(|line| plain(line).to_string()).collect();
    lines.join("\n") + "\n"
}

/// No config that people write is as long.
const BYTES_MAX: u64 = 4 << 20;

const HELP_FILE: &str = "give the config of Workbox or sw-precache (JSON, JavaScript or TypeScript), or an AppCache manifest";
const HELP_SITE: &str =
    "give the folder that your site's build writes, such as `dist`, or leave out `--site`";
const HELP_STRICT: &str =
    "take them out of the config, or leave out `--strict`; nothing was written";
const HELP_FORCE: &str = "name another file by `--out`, or replace it by `--force`";
const HELP_OUT: &str = "name a file in a folder that is there and can be written";
