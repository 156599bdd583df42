//! Entries of an application cache: one for the cache itself, and one for each URL of it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, StatusCode};
use revisit_rules::appcache::Categories;
use revisit_rules::http::Times;

use super::{Damaged, Reader, Writer};

/// The cache itself. Its entry has the id [`AppGroup::ID`], and the manifest's bytes as its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppGroup {
    /// When the first cache of the group was begun, in whole milliseconds since 1970.
    pub created: SystemTime,
    /// When this one was begun.
    pub updated: SystemTime,
    /// When it was last used, to a day.
    pub used: SystemTime,
}

/// One URL of the cache, which is the id of its entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppEntry {
    /// Its status.
    pub status: StatusCode,
    /// Its fields.
    pub headers: HeaderMap,
    /// When it was asked for, and came.
    pub times: Times,
    /// Why it is kept.
    pub is: Categories,
    /// A page of another manifest.
    pub foreign: bool,
    /// The page's own `manifest` attribute.
    pub names: Option<String>,
}

impl AppGroup {
    /// No URL is like this.
    pub const ID: &'static [u8] = b"application cache";

    /// As it is kept.
    pub fn to_bytes(&self) -> Vec<u8> {
        Writer::new(GROUP_VERSION)
            .number(millis(self.created))
            .number(millis(self.updated))
            .number(millis(self.used))
            .into_bytes()
    }

    /// Reads what [`Self::to_bytes`] wrote.
    pub fn read(bytes: &[u8]) -> Result<Self, Damaged> {
        let (version, mut reader) = Reader::new(bytes)?;
        if !(1..=GROUP_VERSION).contains(&version) {
            return Err(reader.damaged("a known version"));
        }
        let (created, updated) = (time(&mut reader)?, time(&mut reader)?);
        let used = match version {
            // nobody noted it then
            1 => updated,
            _ => time(&mut reader)?,
        };
        reader.end()?;
        Ok(Self {
            created,
            updated,
            used,
        })
    }
}

impl AppEntry {
    /// As it is kept.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Categories {
            master,
            manifest,
            explicit,
            fallback,
        } = self.is;
        let marks = [master, manifest, explicit, fallback, self.foreign];
        let marks = marks
            .iter()
            .rev()
            .fold(0, |all, mark| all << 1 | u64::from(*mark));
        Writer::new(VERSION)
            .number(self.status.as_u16().into())
            .number(millis(self.times.request))
            .number(millis(self.times.response))
            .number(marks)
            .optional(self.names.as_deref().map(str::as_bytes))
            .headers(&self.headers)
            .into_bytes()
    }

    /// Reads what [`Self::to_bytes`] wrote.
    pub fn read(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut reader = begin(bytes)?;
        let status = u16::try_from(reader.number()?).ok();
        let status = status.and_then(|it| StatusCode::from_u16(it).ok());
        let status = status.ok_or(reader.damaged("a status"))?;
        let times = Times {
            request: time(&mut reader)?,
            response: time(&mut reader)?,
        };
        let marks = reader.number()?;
        let mark = |place: u32| marks >> place & 1 == 1;
        let names = reader.optional()?.map(<[u8]>::to_vec);
        let names = names.map(String::from_utf8).transpose();
        let entry = Self {
            status,
            times,
            is: Categories {
                master: mark(0),
                manifest: mark(1),
                explicit: mark(2),
                fallback: mark(3),
            },
            foreign: mark(4),
            names: names.map_err(|_| reader.damaged("UTF-8"))?,
            headers: reader.headers()?,
        };
        reader.end()?;
        Ok(entry)
    }
}

fn begin(bytes: &[u8]) -> Result<Reader<'_>, Damaged> {
    let (version, reader) = Reader::new(bytes)?;
    match version {
        VERSION => Ok(reader),
        _ => Err(reader.damaged("a known version")),
    }
}

fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn time(reader: &mut Reader<'_>) -> Result<SystemTime, Damaged> {
    let since = Duration::from_millis(reader.number()?);
    UNIX_EPOCH
        .checked_add(since)
        .ok_or(reader.damaged("a time"))
}

const VERSION: u8 = 1;
/// 2: with the time of the last use.
const GROUP_VERSION: u8 = 2;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_was_written_is_read_again() {
        let at = |millis| UNIX_EPOCH + Duration::from_millis(millis);
        let group = AppGroup {
            created: at(1),
            updated: at(1_700_000_000_123),
            used: at(1_800_000_000_456),
        };
        assert_eq!(AppGroup::read(&group.to_bytes()), Ok(group.clone()));
        let before = Writer::new(1).number(1).number(1_700_000_000_123);
        let used = group.updated;
        assert_eq!(
            AppGroup::read(&before.into_bytes()),
            Ok(AppGroup { used, ..group })
        );
        let after = Writer::new(3).number(1).number(1).number(1);
        assert!(AppGroup::read(&after.into_bytes()).is_err());
        let mut headers = HeaderMap::new();
        headers.append("etag", "\"x\"".parse().expect("a value"));
        for place in 0..6 {
            let entry = AppEntry {
                status: StatusCode::OK,
                headers: headers.clone(),
                times: Times {
                    request: at(5),
                    response: at(9),
                },
                is: Categories {
                    master: place == 0,
                    manifest: place == 1,
                    explicit: place == 2,
                    fallback: place == 3,
                },
                foreign: place == 4,
                names: (place == 5).then(|| "site.appcache".to_owned()),
            };
            assert_eq!(AppEntry::read(&entry.to_bytes()), Ok(entry));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = AppEntry::read(&bytes);
            let _ = AppGroup::read(&bytes);
        }
    }
}
