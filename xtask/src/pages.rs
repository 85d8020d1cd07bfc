//! Pages: the links of HTML that a tool has made.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::Failure;
use crate::links::{is_elsewhere, resolve};

/// A folder of pages that link each other.
pub(crate) struct Site<'a> {
    root: &'a Path,
    /// The path of a page of this site, of a link to where the site is published.
    published: fn(&str) -> Option<String>,
    read: BTreeMap<String, Option<Page>>,
}

/// What others may link of a page.
struct Page {
    places: BTreeSet<String>,
    /// The page to which a browser is sent on, with the place that it was asked for.
    moved: Option<String>,
}

impl<'a> Site<'a> {
    pub(crate) fn new(root: &'a Path, published: fn(&str) -> Option<String>) -> Self {
        Self { root, published, read: BTreeMap::new() }
    }

    /// The links that lead to no file, or to no place in their page, of the pages below a folder of it.
    pub(crate) fn dead_links(&mut self, folder: &str) -> Result<Vec<String>, Failure> {
        let mut pages = Vec::new();
        collect(&self.root.join(folder), &mut pages)?;
        pages.sort();
        let mut dead = Vec::new();
        for path in &pages {
            let text = fs::read_to_string(path)?;
            let page = path.strip_prefix(self.root)?.to_string_lossy().replace('\\', "/");
            let links: BTreeSet<&str> = targets(&text).collect();
            let own_dead = links.into_iter().filter(|to| !self.is_alive(&page, to));
            dead.extend(own_dead.map(|to| format!("{page}: {to}")));
        }
        Ok(dead)
    }

    fn is_alive(&mut self, page: &str, to: &str) -> bool {
        let target = match (self.published)(to) {
            Some(own) => own,
            None if is_elsewhere(to) || is_item(to) => return true,
            None => resolve(page, to),
        };
        self.has(&target, to.split_once('#').map_or("", |(_, place)| place))
    }

    fn has(&mut self, path: &str, place: &str) -> bool {
        let page = self.read.entry(path.to_owned()).or_insert_with(|| Page::read(&self.root.join(path)));
        let Some(page) = page else { return false };
        match page.moved.clone() {
            Some(next) => self.has(&resolve(path, &next), place),
            None => place.is_empty() || is_line(place) || page.places.contains(place),
        }
    }
}

impl Page {
    fn read(file: &Path) -> Option<Self> {
        if !is_page(file) {
            return file.is_file().then_some(Self { places: BTreeSet::new(), moved: None });
        }
        let text = fs::read_to_string(file).ok()?;
        let moved = text.split_once("http-equiv=\"refresh\" content=\"0;URL=");
        let moved = moved.and_then(|(_, rest)| rest.split('"').next());
        Some(Self {
            places: attributes(&text, " id=\"").map(str::to_owned).collect(),
            moved: moved.map(str::to_owned),
        })
    }
}

/// The name of an item, which rustdoc leaves as it is where the item's crate is not documented, or not yet. It warns of a name that
/// is none, but in the texts of other crates.
fn is_item(to: &str) -> bool {
    let path = to.split('#').next().unwrap_or_default();
    path.contains("::") || !(path.is_empty() || path.contains(['.', '/']))
}

/// Lines of a source, such as `12` and `12-15`, which rustdoc's script shows.
fn is_line(place: &str) -> bool {
    place.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

/// The links and images of a page.
fn targets(page: &str) -> impl Iterator<Item = &str> {
    attributes(page, " href=\"").chain(attributes(page, "<img src=\""))
}

fn attributes<'p>(page: &'p str, name: &str) -> impl Iterator<Item = &'p str> {
    page.split(name).skip(1).filter_map(|rest: &str| rest.split('"').next())
}

fn collect(folder: &Path, pages: &mut Vec<PathBuf>) -> Result<(), Failure> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, pages)?;
        } else if is_page(&path) {
            pages.push(path);
        }
    }
    Ok(())
}

fn is_page(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "html")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The links that are dead in the page `guide/a.html` with this text.
    fn dead(page: &str) -> Result<Vec<String>, Failure> {
        let folder = tempfile::tempdir()?;
        fs::create_dir(folder.path().join("guide"))?;
        fs::write(folder.path().join("index.html"), "<h1 id=\"top\"></h1><a href=\"guide/a.html\">")?;
        let moved = "<meta http-equiv=\"refresh\" content=\"0;URL=../index.html\">";
        fs::write(folder.path().join("guide/old.html"), moved)?;
        fs::write(folder.path().join("guide/a.html"), page)?;
        let published = |to: &str| Some(to.strip_prefix("https://docs/")?.split('#').next()?.to_owned());
        Site::new(folder.path(), published).dead_links("guide")
    }

    #[test]
    fn a_link_to_what_is_not_there_is_found() -> Result<(), Failure> {
        let page = "<a href=\"../index.html#top\"><a href=\"../index.html#end\"><img src=\"b.png\"><a href=\"https://c\">";
        assert_eq!(dead(page)?, ["guide/a.html: ../index.html#end", "guide/a.html: b.png"]);
        Ok(())
    }

    #[test]
    fn an_item_in_the_text_of_another_crate_is_no_page() -> Result<(), Failure> {
        assert!(dead("<a href=\"super::Span\"><a href=\"dispatcher#set\"><a href=\"#top\">")?.len() == 1);
        Ok(())
    }

    #[test]
    fn a_link_to_where_the_pages_are_published_is_one_of_theirs() -> Result<(), Failure> {
        let page = "<a href=\"https://docs/index.html#top\"><a href=\"https://docs/index.html#end\">";
        assert_eq!(dead(page)?, ["guide/a.html: https://docs/index.html#end"]);
        Ok(())
    }

    #[test]
    fn a_page_that_has_moved_has_the_places_of_where_it_is_now() -> Result<(), Failure> {
        assert_eq!(
            dead("<a href=\"old.html#top\"><a href=\"old.html#end\">")?,
            ["guide/a.html: old.html#end"]
        );
        Ok(())
    }
}
