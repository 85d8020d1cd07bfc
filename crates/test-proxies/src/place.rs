//! Place: the folder and the ports of one proxy in front of one app, and its files there.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use tempfile::TempDir;

use crate::Failure;
use crate::certificate::Certificate;
use crate::proxies::Proxy;

/// What is in braces in a [`Proxy`].
#[derive(Debug)]
pub(crate) struct Place {
    /// `{folder}`: for all files, among them `certificate.pem`, `key.pem` and `both.pem`.
    folder: TempDir,
    /// `{address}` is loopback with this port, `{port}` the port alone: where the proxy listens with TLS.
    pub(crate) port: u16,
    /// `{spare}`: another port, for a listener that the test does not use.
    spare: u16,
    /// `{app}`: address and port of the app behind.
    app: String,
}

impl Place {
    /// A new folder, with free ports and with all files of the proxy.
    pub(crate) fn new(proxy: &Proxy, app: &str, certificate: &Certificate) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("lifecycle-proxies-").tempdir()?;
        // A proxy that is started by root gives up its rights, and still has to find its temporary files.
        #[cfg(unix)]
        fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        let [port, spare] = free_ports()?;
        let place = Self { folder, port, spare, app: app.to_owned() };
        certificate.write(place.folder())?;
        let settings = with_places(proxy.guide_text, proxy.places)?;
        fs::write(place.folder().join(proxy.guide), place.fill(&settings))?;
        if let Some(frame) = proxy.frame {
            fs::write(place.folder().join("frame"), place.fill(frame))?;
        }
        Ok(place)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The text with everything in braces filled in.
    pub(crate) fn fill(&self, text: &str) -> String {
        text.replace("{folder}", &self.folder().to_string_lossy())
            .replace("{address}", &format!("127.0.0.1:{}", self.port))
            .replace("{port}", &self.port.to_string())
            .replace("{spare}", &self.spare.to_string())
            .replace("{app}", &self.app)
    }
}

/// The guide's text with places of the test in it.
pub(crate) fn with_places(guide: &str, places: &[(&str, &str)]) -> Result<String, Failure> {
    let mut text = guide.to_owned();
    for (theirs, ours) in places {
        if !text.contains(theirs) {
            return Err(format!("the guide's settings have no {theirs:?} any more").into());
        }
        text = text.replace(theirs, ours);
    }
    Ok(text)
}

/// Ports that are free now.
fn free_ports() -> Result<[u16; 2], Failure> {
    let (one, other) = (TcpListener::bind(("127.0.0.1", 0))?, TcpListener::bind(("127.0.0.1", 0))?);
    Ok([one.local_addr()?.port(), other.local_addr()?.port()])
}
