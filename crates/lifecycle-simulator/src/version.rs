//! Version: three numbers, as Seismic's registry gives them.

use std::fmt;

/// A version `a.b.c`; ordered.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Version([u32; 3]);

impl Version {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('.');
        let mut next = || {
            let part = parts.next()?;
            // Also a sign would parse.
            if part.bytes().all(|b| b.is_ascii_digit()) { part.parse().ok() } else { None }
        };
        let version = Self([next()?, next()?, next()?]);
        parts.next().is_none().then_some(version)
    }

    /// The next one, as a first guess at what a developer publishes.
    pub(crate) fn next(self) -> Self {
        let [major, minor, patch] = self.0;
        Self([major, minor, patch.saturating_add(1)])
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_three_numbers_and_ordered_by_them() {
        let version = |text| Version::parse(text).unwrap();
        assert!(version("1.10.0") > version("1.9.9"));
        assert_eq!(version(" 4.6.12 ").next().to_string(), "4.6.13");
        for bad in
            ["", "1", "1.2", "1.2.3.4", "1.2.x", "+1.2.3", "1..3", "v1.2.3", "1.2.99999999999", "1.2.-3"]
        {
            assert_eq!(Version::parse(bad), None, "{bad}");
        }
    }
}
