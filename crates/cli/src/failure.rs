//! What is said when a command does not succeed: the fact, its causes, and what to do.

use std::fmt;

use revisit_generator::BuildError;

use crate::terminal::plain;

/// The work did not succeed.
pub(crate) const WORK: u8 = 1;
/// The words or the config are off.
pub(crate) const WORDS: u8 = 2;

/// A failure as its user sees it.
#[derive(Debug)]
pub(crate) struct Failure {
    error: anyhow::Error,
    help: Option<String>,
    /// Exit status.
    pub(crate) code: u8,
}

impl Failure {
    /// The work did not succeed.
    pub(crate) fn work(error: impl Into<anyhow::Error>) -> Self {
        Self {
            error: error.into(),
            help: None,
            code: WORK,
        }
    }

    /// The words or the config are off.
    pub(crate) fn words(error: impl Into<anyhow::Error>) -> Self {
        Self {
            code: WORDS,
            ..Self::work(error)
        }
    }

    pub(crate) fn help(mut self, help: impl Into<Option<String>>) -> Self {
        self.help = help.into();
        self
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        let help = error.help();
        let failure = match error {
            BuildError::Config { .. }
            | BuildError::NoSuchPage { .. }
            | BuildError::NoExtension { .. }
            | BuildError::NotForAppcache { .. }
            | BuildError::ShimNotInjected { .. }
            | BuildError::NoEntry { .. } => Self::words(error),
            _ => Self::work(error),
        };
        failure.help(help)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", plain(&self.error.to_string()))?;
        for cause in self.error.chain().skip(1) {
            writeln!(f, "  caused by: {}", plain(&cause.to_string()))?;
        }
        match &self.help {
            Some(help) => writeln!(f, "help: {help}"),
            None => Ok(()),
        }
    }
}
