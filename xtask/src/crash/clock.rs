//! Clock: the clocks of the senders, and of the apps, which libfaketime sets.

use std::fs;
use std::path::{Path, PathBuf};

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};

use super::stage::Stage;
use crate::Failure;

const RIGHT: &str = "+0";

/// What a sender writes as the time of an event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Clock {
    /// Something else each time.
    Broken,
    /// Nothing.
    None,
    /// The time.
    Right,
}

impl Clock {
    pub(crate) fn any(rng: &mut Rng) -> Self {
        *rng.choice(&[Self::Broken, Self::None, Self::Right]).unwrap_or(&Self::None)
    }

    /// The time that an event has on it, if any.
    pub(crate) fn stamp(self, rng: &mut Rng) -> Option<String> {
        let now = Timestamp::now();
        let ahead = |hours: i64| (now + SignedDuration::from_hours(hours)).to_string();
        match self {
            Self::None => None,
            Self::Right => Some(now.to_string()),
            Self::Broken => match rng.u8(..10) {
                0 => None,
                1 => Some(now.to_string()),
                2 => Some("0001-01-01T00:00:00Z".to_owned()),
                3 => Some("1601-01-01T00:00:00Z".to_owned()),
                4 => Some("1900-01-01T00:00:00".to_owned()),
                5 => Some("1970-01-01T00:00:00Z".to_owned()),
                6 => Some(ahead(1)),
                7 => Some(ahead(24)),
                8 => Some(ahead(24 * 365)),
                _ => Some(now.to_string().replace('Z', "")), // without an offset
            },
        }
    }
}

/// The wall clock of one app, which follows a file.
pub(crate) struct AppClock(PathBuf);

impl AppClock {
    /// A right one.
    pub(crate) fn new(file: PathBuf) -> Result<Self, Failure> {
        let clock = Self(file);
        clock.set(RIGHT)?;
        Ok(clock)
    }

    /// What has a program follow it. Time that is only measured passes as ever.
    pub(crate) fn settings(&self) -> Result<[(&'static str, PathBuf); 4], Failure> {
        Ok([
            ("LD_PRELOAD", library()?),
            ("FAKETIME_TIMESTAMP_FILE", self.0.clone()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
            ("FAKETIME_NO_CACHE", "1".into()),
        ])
    }

    fn set(&self, offset: &str) -> Result<(), Failure> {
        let new = self.0.with_extension("new");
        fs::write(&new, offset)?;
        Ok(fs::rename(new, &self.0)?)
    }
}

/// Of Debian's libfaketime, what is for programs of several threads.
fn library() -> Result<PathBuf, Failure> {
    let folders = fs::read_dir("/usr/lib")?.flatten();
    let found = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    found
        .into_iter()
        .find(|path: &PathBuf| Path::exists(path))
        .ok_or_else(|| "no libfaketime: run `apt-get install faketime`".into())
}

/// Each app's clock jumps, and is right again at the end. Meanwhile an app may be killed.
pub(super) fn befall(stage: &mut Stage<'_>) -> Result<(), Failure> {
    for _ in 0..stage.rng.usize(1..=3) {
        let offset = *stage.rng.choice(&["+1h", "+1d", "+400d", "-1h", "-400d"]).unwrap_or(&"+1d");
        let app = stage.any_app();
        set(stage, app, offset)?;
        stage.pause(300);
        if stage.rng.bool() {
            stage.kill(app)?;
            stage.start(app)?;
        }
        stage.acknowledges()?;
        stage.pause(300);
        set(stage, app, RIGHT)?;
    }
    Ok(())
}

fn set(stage: &Stage<'_>, app: usize, offset: &str) -> Result<(), Failure> {
    stage.clock(app).map_or(Ok(()), |clock| clock.set(offset))
}
