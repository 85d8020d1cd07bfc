//! Which crates of others a library's public API names, read from its sources.
//!
//! The lint `unreachable_pub` sees to it that whatever says `pub` can be reached, so no path has to be followed.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use syn::visit::Visit;
use syn::{Attribute, Field, Fields, File, ImplItem, Item, ItemImpl, Path, Type, UseTree, Visibility};

use crate::graph::graph;
use crate::tree;

/// Their derives write implementations of std's traits, so users see nothing of them.
const ONLY_MACROS: &[&str] = &["thiserror"];

/// The packages of others that this library's public API names.
pub(crate) fn foreign_packages(library: &str) -> BTreeSet<String> {
    let used = graph().uses(library).into_iter().filter(|used| !used.starts_with("lifecycle-"));
    let packages: BTreeMap<String, &str> = used.map(|used| (used.replace('-', "_"), used)).collect();
    let mut api = Api { crates: packages.keys().cloned().collect(), ..Api::default() };
    for file in tree::rust(&format!("crates/{library}/src")).iter().filter(|file| !file.is_test()) {
        let parsed = syn::parse_file(&file.text).unwrap_or_else(|error| panic!("{}: {error}", file.path));
        api.module(parsed.items);
    }
    api.named().iter().map(|name| packages[name].to_owned()).collect()
}

/// The items of one library, each with what its module imports.
#[derive(Default)]
struct Api {
    /// The crates that the library depends on, as code names them.
    crates: BTreeSet<String>,
    items: Vec<(Item, Rc<Imports>)>,
}

/// What names stand for in a module: the crate of others that they come from.
type Imports = BTreeMap<String, String>;

impl Api {
    fn module(&mut self, items: Vec<Item>) {
        let mut imports = Imports::new();
        for item in &items {
            if let Item::Use(it) = item {
                imported(&it.tree, None, &mut imports);
            }
        }
        imports.retain(|_, from| self.crates.contains(from));
        let imports = Rc::new(imports);
        for item in items {
            match item {
                Item::Mod(it) if !is_test(&it.attrs) => {
                    if let Some((_, items)) = it.content {
                        self.module(items);
                    }
                }
                // Such as `pin_project!`, which has items in it.
                Item::Macro(it) => {
                    let inside = it.mac.parse_body::<File>().map(|file| file.items).unwrap_or_default();
                    self.items.extend(inside.into_iter().map(|item| (item, Rc::clone(&imports))));
                }
                item => self.items.push((item, Rc::clone(&imports))),
            }
        }
    }

    /// The crates that what is public names.
    fn named(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (item, imports) in &self.items {
            let mut names = Names { api: self, imports, found: BTreeSet::new() };
            match item {
                Item::Impl(it) if self.is_public(it) => names.implementation(it),
                item => names.item(item),
            }
            found.append(&mut names.found);
        }
        found
    }

    /// Whether users can see an implementation: one for a type that is private, or of a trait that is, they cannot.
    fn is_public(&self, it: &ItemImpl) -> bool {
        let of = it.trait_.as_ref().and_then(|(_, path, _)| path.segments.last());
        let names = [last(&it.self_ty), of.map(|of| of.ident.to_string())];
        !names.into_iter().flatten().any(|name| self.private(&name))
    }

    fn private(&self, name: &str) -> bool {
        self.items.iter().any(|(item, _)| match item {
            Item::Enum(it) => it.ident == name && !is_public(&it.vis),
            Item::Struct(it) => it.ident == name && !is_public(&it.vis),
            Item::Trait(it) => it.ident == name && !is_public(&it.vis),
            _ => false,
        })
    }

    /// What an alias of this name stands for, wherever it is defined.
    fn alias(&self, name: &str) -> Option<(&Type, &Imports)> {
        self.items.iter().find_map(|(item, imports)| match item {
            Item::Type(it) if it.ident == name => Some((&*it.ty, &**imports)),
            _ => None,
        })
    }
}

/// Goes through signatures, and notes the crates of what they name.
struct Names<'a> {
    api: &'a Api,
    imports: &'a Imports,
    found: BTreeSet<String>,
}

impl Names<'_> {
    fn item(&mut self, item: &Item) {
        match item {
            Item::Const(it) if is_public(&it.vis) => self.visit_type(&it.ty),
            Item::Enum(it) if is_public(&it.vis) => {
                self.derives(&it.attrs);
                self.visit_generics(&it.generics);
                it.variants.iter().for_each(|variant| self.visit_fields(&variant.fields));
            }
            Item::Fn(it) if is_public(&it.vis) => self.visit_signature(&it.sig),
            Item::Static(it) if is_public(&it.vis) => self.visit_type(&it.ty),
            Item::Struct(it) if is_public(&it.vis) => {
                self.derives(&it.attrs);
                self.visit_generics(&it.generics);
                self.public_fields(&it.fields);
            }
            Item::Trait(it) if is_public(&it.vis) => self.visit_item_trait(it),
            Item::Type(it) if is_public(&it.vis) => self.visit_item_type(it),
            Item::Use(it) if is_public(&it.vis) => {
                let mut exported = Imports::new();
                imported(&it.tree, None, &mut exported);
                self.found.extend(exported.into_values().filter(|name| self.api.crates.contains(name)));
            }
            _ => {}
        }
    }

    fn implementation(&mut self, it: &ItemImpl) {
        self.visit_generics(&it.generics);
        self.visit_type(&it.self_ty);
        if let Some((_, of, _)) = &it.trait_ {
            self.visit_path(of);
        }
        for item in &it.items {
            match item {
                ImplItem::Const(item) if is_public(&item.vis) => self.visit_type(&item.ty),
                ImplItem::Fn(item) if is_public(&item.vis) => self.visit_signature(&item.sig),
                ImplItem::Type(item) => self.visit_type(&item.ty),
                _ => {}
            }
        }
    }

    fn public_fields(&mut self, fields: &Fields) {
        fields
            .iter()
            .filter(|field| is_public(&field.vis))
            .for_each(|field: &Field| self.visit_type(&field.ty));
    }

    fn derives(&mut self, attributes: &[Attribute]) {
        for attribute in attributes.iter().filter(|it| it.path().is_ident("derive")) {
            attribute
                .parse_nested_meta(|derived| {
                    self.visit_path(&derived.path);
                    Ok(())
                })
                .expect("a derive is a list of paths");
        }
        self.found.retain(|name| !ONLY_MACROS.contains(&name.as_str()));
    }
}

impl<'ast> Visit<'ast> for Names<'_> {
    fn visit_block(&mut self, _: &'ast syn::Block) {} // what a function does is its own

    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_path(&mut self, path: &'ast Path) {
        syn::visit::visit_path(self, path);
        let first = path.segments[0].ident.to_string();
        if let Some(from) = self.imports.get(&first).or_else(|| self.api.crates.get(&first)) {
            self.found.insert(from.clone());
        } else if let Some((of, imports)) =
            path.segments.last().and_then(|last| self.api.alias(&last.ident.to_string()))
        {
            let mut names = Names { api: self.api, imports, found: BTreeSet::new() };
            names.visit_type(of);
            self.found.append(&mut names.found);
        }
    }
}

/// Notes what a `use` brings into its module, and from which crate.
fn imported(tree: &UseTree, from: Option<&str>, imports: &mut Imports) {
    let mut note = |name: String, own: &syn::Ident| {
        let from = from.map_or_else(|| own.to_string(), str::to_owned);
        imports.insert(name, from);
    };
    match tree {
        UseTree::Path(it) => {
            let own = it.ident.to_string();
            imported(&it.tree, Some(from.unwrap_or(&own)), imports);
        }
        UseTree::Group(it) => it.items.iter().for_each(|tree| imported(tree, from, imports)),
        UseTree::Name(it) => note(it.ident.to_string(), &it.ident),
        UseTree::Rename(it) => note(it.rename.to_string(), &it.ident),
        UseTree::Glob(_) => {}
    }
}

fn last(of: &Type) -> Option<String> {
    let Type::Path(path) = of else { return None };
    path.path.segments.last().map(|it| it.ident.to_string())
}

fn is_public(vis: &Visibility) -> bool {
    matches!(vis, Visibility::Public(_))
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .any(|it| it.path().is_ident("cfg") && it.parse_args::<syn::Ident>().is_ok_and(|what| what == "test"))
}

#[test]
fn what_users_see_of_a_source_is_found_and_nothing_else() {
    let crates = ["bytes", "http", "hyper", "serde", "thiserror", "tokio", "tower"];
    let named = |source: &str| {
        let mut api = Api { crates: crates.map(str::to_owned).into(), ..Api::default() };
        api.module(syn::parse_file(source).unwrap().items);
        api.named().into_iter().collect::<Vec<_>>().join(" ")
    };
    for (source, expected) in [
        ("use bytes::Bytes; pub fn body() -> Option<Bytes> { None }", "bytes"),
        ("use bytes::Bytes as Chunk; pub struct Body { pub first: Chunk }", "bytes"),
        ("use bytes::Bytes; pub struct Body { first: Bytes }", ""),
        ("use bytes::Bytes; pub(crate) fn body() -> Bytes { Bytes::new() }", ""),
        ("pub fn length() -> usize { bytes::Bytes::new().len() }", ""),
        ("pub enum Error { Http(http::Error) }", "http"),
        (
            "pub struct Layer; impl<S: hyper::Service> tower::Layer<S> for Layer { type Service = http::X; }",
            "http hyper tower",
        ),
        ("struct Own; impl tower::Layer for Own {}", ""),
        ("trait Sealed {} impl Sealed for http::Request {}", ""),
        ("type Answer = http::Response<bytes::Bytes>; pub fn answer() -> Answer { todo() }", "bytes http"),
        ("pub use tokio::{sync::Mutex, time};", "tokio"),
        ("use serde::Serialize; #[derive(Clone, Serialize)] pub struct Seen;", "serde"),
        ("#[derive(Debug, thiserror::Error)] pub enum Error { #[error(\"no\")] No }", ""),
        ("pub trait Read { fn read(&self) -> http::Request { tokio::spawn() } }", "http"),
        ("pin_project! { pub struct Body { #[pin] pub inner: hyper::Body } }", "hyper"),
        ("#[cfg(test)] mod tests { pub fn body() -> http::Request { todo() } }", ""),
    ] {
        assert_eq!(named(source), expected, "{source}");
    }
}
