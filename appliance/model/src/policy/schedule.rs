//! When a rule is in force.

use std::collections::BTreeSet;

use time::Weekday;

/// A minute of the day, 00:00 to 23:59.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MinuteOfDay(u16);

impl MinuteOfDay {
    /// None where there is no such hour or minute.
    pub fn new(hour: u8, minute: u8) -> Option<Self> {
        (hour < 24 && minute < 60).then_some(Self(u16::from(hour) * 60 + u16::from(minute)))
    }

    /// 0 to 23.
    pub fn hour(self) -> u8 {
        u8::try_from(self.0 / 60).expect("less than 24")
    }

    /// 0 to 59.
    pub fn minute(self) -> u8 {
        u8::try_from(self.0 % 60).expect("less than 60")
    }

    /// Minutes since midnight.
    pub fn minutes(self) -> u16 {
        self.0
    }
}

/// Days and hours by the clock on the wall of a time zone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Schedule {
    /// Days a span begins on, at least one.
    pub days: BTreeSet<Day>,
    /// First minute of the span.
    pub from: MinuteOfDay,
    /// The minute the span is over. Not after `from`: it ends on the next day; the same: it lasts a whole day.
    pub to: MinuteOfDay,
    /// IANA name, e.g. `Europe/Vienna`.
    pub timezone: String,
}

/// A day of the week; ordered from Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Day {
    /// Monday.
    Monday,
    /// Tuesday.
    Tuesday,
    /// Wednesday.
    Wednesday,
    /// Thursday.
    Thursday,
    /// Friday.
    Friday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
}

impl Day {
    /// From Monday.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Monday => "monday",
            Self::Tuesday => "tuesday",
            Self::Wednesday => "wednesday",
            Self::Thursday => "thursday",
            Self::Friday => "friday",
            Self::Saturday => "saturday",
            Self::Sunday => "sunday",
        }
    }
}

impl From<Weekday> for Day {
    fn from(day: Weekday) -> Self {
        Self::ALL[usize::from(day.number_days_from_monday())]
    }
}
