//! The hosts of a URL, tried one after the other.
//!
//! The driver tries them by itself, always from the first on. One that takes connections and answers nothing, as a frozen
//! or cut-off primary does, would use up the time of every attempt before its standby has its turn. So whoever gives an
//! attempt up leaves a note, and the next attempt begins with the next host.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio_postgres::config::Host;
use tokio_postgres::{Config, Error};

use crate::error::is_read_only;

pub(crate) struct Hosts {
    /// Of one host each, and never empty.
    each: Vec<Config>,
    /// With which the next attempt begins.
    first: AtomicUsize,
}

impl Hosts {
    pub(crate) fn of(config: &Config) -> Self {
        let count = config.get_hosts().len().max(config.get_hostaddrs().len());
        let each =
            if count < 2 { vec![config.clone()] } else { (0..count).map(|nth| only(config, nth)).collect() };
        Self { each, first: AtomicUsize::new(0) }
    }

    pub(crate) fn count(&self) -> usize {
        self.each.len()
    }

    /// The first that lets us in, or the error that tells most.
    pub(crate) async fn connect<T, F>(&self, connect: impl Fn(Config) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let count = self.each.len();
        let first = self.first.load(Ordering::Relaxed);
        let mut told: Option<Error> = None;
        for at in (first..first + count).map(|nth| nth % count) {
            let note = Note { first: &self.first, next: (at + 1) % count };
            let connected = connect(self.each[at].clone()).await;
            std::mem::forget(note);
            match connected {
                Ok(connected) => {
                    self.first.store(at, Ordering::Relaxed);
                    return Ok(connected);
                }
                Err(error) if told.as_ref().is_none_or(|told| tells(&error) > tells(told)) => {
                    told = Some(error);
                }
                Err(_) => {}
            }
        }
        Err(told.expect("there is a host"))
    }
}

/// Is dropped when an attempt is given up.
struct Note<'a> {
    first: &'a AtomicUsize,
    next: usize,
}

impl Drop for Note<'_> {
    fn drop(&mut self) {
        self.first.store(self.next, Ordering::Relaxed);
    }
}

/// A server's own words tell most, then that it takes no writes; least that nobody is there.
fn tells(error: &Error) -> u8 {
    match error.code() {
        Some(_) => 2,
        None => u8::from(is_read_only(error)),
    }
}

/// The same for one of its hosts.
fn only(config: &Config, nth: usize) -> Config {
    let mut one = Config::new();
    match config.get_hosts().get(nth) {
        Some(Host::Tcp(name)) => drop(one.host(name)),
        #[cfg(unix)]
        Some(Host::Unix(path)) => drop(one.host_path(path)),
        None => {}
    }
    if let Some(address) = config.get_hostaddrs().get(nth) {
        one.hostaddr(*address);
    }
    if let Some(port) = config.get_ports().get(nth).or(config.get_ports().first()) {
        one.port(*port);
    }
    if let Some(user) = config.get_user() {
        one.user(user);
    }
    if let Some(password) = config.get_password() {
        one.password(password);
    }
    if let Some(name) = config.get_dbname() {
        one.dbname(name);
    }
    if let Some(options) = config.get_options() {
        one.options(options);
    }
    if let Some(name) = config.get_application_name() {
        one.application_name(name);
    }
    if let Some(limit) = config.get_connect_timeout() {
        one.connect_timeout(*limit);
    }
    if let Some(limit) = config.get_tcp_user_timeout() {
        one.tcp_user_timeout(*limit);
    }
    if let Some(interval) = config.get_keepalives_interval() {
        one.keepalives_interval(interval);
    }
    if let Some(retries) = config.get_keepalives_retries() {
        one.keepalives_retries(retries);
    }
    one.keepalives(config.get_keepalives())
        .keepalives_idle(config.get_keepalives_idle())
        .ssl_mode(config.get_ssl_mode())
        .ssl_negotiation(config.get_ssl_negotiation())
        .target_session_attrs(config.get_target_session_attrs())
        .channel_binding(config.get_channel_binding());
    one
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a URL says, but for the order in which hosts are tried, has to be the same for each of them alone.
    #[test]
    fn each_host_has_all_that_the_url_says() {
        let parameters = "connect_timeout=7&tcp_user_timeout=8&keepalives=0&keepalives_idle=9&keepalives_interval=10\
            &keepalives_retries=11&application_name=a&options=-c%20geqo%3Doff&sslmode=require&sslnegotiation=direct\
            &target_session_attrs=read-write&channel_binding=require";
        let url = |place: &str| format!("postgres://u:p@{place}/db?{parameters}").parse::<Config>().unwrap();
        let hosts = Hosts::of(&url("one:1,two:2"));
        assert_eq!(hosts.each, [url("one:1"), url("two:2")]);
        assert_eq!(Hosts::of(&url("one,two")).each, [url("one:5432"), url("two:5432")]);
        assert_eq!(Hosts::of(&url("one")).each, [url("one")]);
    }

    #[tokio::test]
    async fn an_attempt_that_was_given_up_is_followed_by_one_at_the_next_host() {
        let hosts = Hosts::of(&"postgres://u@one,two/db".parse().unwrap());
        let connect = async |config: Config| match &config.get_hosts()[0] {
            Host::Tcp(name) if name == "two" => Ok(()),
            _ => std::future::pending().await,
        };
        let attempt = || tokio::time::timeout(std::time::Duration::from_millis(10), hosts.connect(&connect));
        assert!(attempt().await.is_err(), "the first host hangs");
        for _ in 0..3 {
            assert!(matches!(attempt().await, Ok(Ok(()))), "the second is kept to");
        }
    }
}
