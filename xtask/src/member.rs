//! Member: a crate of this workspace that is published.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::Failure;

#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) version: String,
    /// What it needs of the others, with the version that it asks for.
    pub(crate) needs: BTreeMap<String, String>,
    /// The name of its library, or of its program where it has none.
    pub(crate) target: String,
}

impl Member {
    /// All of them, of what `cargo metadata` tells.
    pub(crate) fn published(metadata: &Value) -> Result<Vec<Self>, Failure> {
        let packages = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?;
        let published = packages.iter().filter(|package| package["publish"].is_null());
        Ok(published.filter_map(Self::read).collect())
    }

    fn read(package: &Value) -> Option<Self> {
        let needs = package["dependencies"].as_array()?.iter().filter_map(|dependency| {
            let version = dependency["req"].as_str().filter(|version| *version != "*")?; // else it is left out of what is packed
            dependency["path"].as_str()?;
            Some((dependency["name"].as_str()?.to_owned(), version.to_owned()))
        });
        Some(Self {
            name: package["name"].as_str()?.to_owned(),
            version: package["version"].as_str()?.to_owned(),
            needs: needs.collect(),
            target: package["targets"][0]["name"].as_str()?.to_owned(),
        })
    }

    /// The folder that its packed files are in.
    pub(crate) fn folder(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }
}
