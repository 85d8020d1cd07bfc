//! Clock: what a platform's clock makes of the time at which an event is sent.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::{DAY, HOUR, SECOND};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Clock {
    Right,
    /// No time, or one that tells no offset from UTC.
    Absent,
    YearOne,
    Year1601,
    Year1900,
    Year1970,
    /// Ahead by less than the skew: such a time is believed.
    ALittleAhead,
    AnHourAhead,
    ADayAhead,
    AYearAhead,
}

impl Clock {
    pub(crate) const ALL: [Self; 10] = [
        Self::Right,
        Self::Absent,
        Self::YearOne,
        Self::Year1601,
        Self::Year1900,
        Self::Year1970,
        Self::ALittleAhead,
        Self::AnHourAhead,
        Self::ADayAhead,
        Self::AYearAhead,
    ];

    /// No time, and times that nobody can mean, even of an event that was hours on its way.
    pub(crate) const NEVER_BELIEVED: [Self; 7] = [
        Self::Absent,
        Self::YearOne,
        Self::Year1601,
        Self::Year1900,
        Self::Year1970,
        Self::ADayAhead,
        Self::AYearAhead,
    ];

    /// Those, and the right one.
    pub(crate) const RIGHT_OR_NEVER_BELIEVED: [Self; 8] = [
        Self::Right,
        Self::Absent,
        Self::YearOne,
        Self::Year1601,
        Self::Year1900,
        Self::Year1970,
        Self::ADayAhead,
        Self::AYearAhead,
    ];

    /// What it tells of an event that is sent at this time.
    pub(crate) fn read(self, time: SystemTime) -> Option<SystemTime> {
        let before_1970 = |seconds| UNIX_EPOCH.checked_sub(Duration::from_secs(seconds));
        match self {
            Self::Right => Some(time),
            Self::Absent => None,
            Self::YearOne => before_1970(62_135_596_800),
            Self::Year1601 => before_1970(11_644_473_600),
            Self::Year1900 => before_1970(2_208_988_800),
            Self::Year1970 => Some(UNIX_EPOCH),
            Self::ALittleAhead => Some(time + SECOND * 30),
            Self::AnHourAhead => Some(time + HOUR),
            Self::ADayAhead => Some(time + DAY),
            Self::AYearAhead => Some(time + DAY * 365),
        }
    }
}
