//! Report: a table for each proxy of what held in front of which app, and below it what did not.

use std::fmt;
use std::time::Duration;

use crate::counted::Counted;
use crate::options::App;

/// What came of one attack on one site.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) attack: &'static str,
    pub(crate) app: String,
    pub(crate) counted: Vec<Counted>,
    pub(crate) took: Duration,
}

impl Finding {
    pub(crate) fn holds(&self) -> bool {
        self.counted.iter().all(Counted::holds)
    }

    fn genuine(&self) -> impl Iterator<Item = &Counted> {
        self.counted.iter().filter(|counted| counted.is_genuine())
    }
}

/// The table of one proxy.
pub(crate) struct Table<'a> {
    pub(crate) proxy: &'a str,
    pub(crate) apps: &'a [App],
    /// In the order of its lines, app by app.
    pub(crate) findings: &'a [Finding],
    /// Also what held says what it saw.
    pub(crate) is_long: bool,
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { proxy, apps, findings, is_long } = *self;
        let attacks: Vec<&str> =
            findings.iter().filter(|it| it.app == apps[0].name).map(|it| it.attack).collect();
        let width = attacks.iter().map(|attack| attack.len()).max().unwrap_or_default();
        write!(f, "{proxy:<width$}")?;
        for app in apps {
            write!(f, "  {:<9}", app.name)?;
        }
        for attack in attacks {
            write!(f, "\n{attack:<width$}")?;
            let of_attack = || findings.iter().filter(|it| it.attack == attack);
            for finding in of_attack() {
                let seconds = format!("{:.1} s", finding.took.as_secs_f32());
                write!(f, "  {:<9}", if finding.holds() { &*seconds } else { "FAILED" })?;
            }
            if of_attack().any(|finding| finding.genuine().next().is_some()) {
                write!(f, "\n{:<width$}", "  callbacks meanwhile, 99 % within")?;
                for finding in of_attack() {
                    let within =
                        finding.genuine().map(|counted| counted.within(99)).max().unwrap_or_default();
                    write!(f, "  {:<9}", format!("{} ms", within.as_millis()))?;
                }
            }
        }
        for finding in findings.iter().filter(|finding| is_long || !finding.holds()) {
            write!(f, "\n  {proxy}, {}: {}", finding.app, finding.attack)?;
            for counted in finding.counted.iter().filter(|counted| is_long || !counted.holds()) {
                write!(f, "\n    {counted}")?;
            }
        }
        Ok(())
    }
}
