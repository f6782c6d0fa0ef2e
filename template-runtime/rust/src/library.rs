// Owned by the template: `copier update` may rewrite it, do not edit.

//! A plugin's own library: its prefix, its metadata, its claim, and the sessions it opens.

use std::sync::OnceLock;

use crate::claim;
use crate::error::{Error, Result};
use crate::metadata::Metadata;
use crate::session::Session;
use crate::version;

/// The compiled components in one plugin's library.
///
/// [`plugin!`](crate::plugin) makes the one there is per plugin and gives it to
/// [`Model::open`](crate::Model::open).
#[derive(Debug)]
pub struct Library {
    prefix: &'static str,
    json: &'static str,
    metadata: OnceLock<Result<Metadata>>,
    claim: OnceLock<Result<()>>,
}

impl Library {
    /// A library under a prefix, with the text of the `system_lib.json` it was compiled with.
    ///
    /// Must be a `static` of the plugin's own library: its address tells libraries apart. The
    /// metadata is trusted to describe the compiled components that are linked in, as the compiler
    /// wrote it: a wider range for an index input than the table it points into would be believed.
    #[must_use]
    pub const fn new(prefix: &'static str, json: &'static str) -> Self {
        Self { prefix, json, metadata: OnceLock::new(), claim: OnceLock::new() }
    }

    /// The prefix of all its compiled functions.
    #[must_use]
    pub const fn prefix(&self) -> &'static str {
        self.prefix
    }

    /// The text of its `system_lib.json`.
    #[must_use]
    pub const fn metadata_json(&self) -> &'static str {
        self.json
    }

    /// What the compiler wrote about it.
    ///
    /// # Errors
    /// [`Error::Metadata`] if that is malformed or of another prefix.
    pub fn metadata(&'static self) -> Result<&'static Metadata> {
        let read = || {
            let metadata = Metadata::from_json(self.json)?;
            if metadata.prefix != self.prefix {
                return Err(Error::metadata(format!(
                    "the library was built for prefix `{}`, its components for `{}`",
                    self.prefix, metadata.prefix
                )));
            }
            Ok(metadata)
        };
        self.metadata.get_or_init(read).as_ref().map_err(Clone::clone)
    }

    /// Opens a component.
    ///
    /// # Errors
    /// [`Error::Unknown`] if there is no such component; [`Error::Pin`] if it was compiled for
    /// another TVM; [`Error::PrefixTaken`] if another library in the process claims the prefix;
    /// [`Error::NotRegistered`] or [`Error::Metadata`] if the library was put together wrongly.
    pub fn session(&'static self, component: &str) -> Result<Session> {
        let metadata = self.metadata()?;
        let component = metadata.component(component)?;
        version::check(metadata)?;
        self.check_claim()?;
        let session = Session::new(component)?;
        // Once more: a library that was loaded in between may have replaced functions.
        self.check_claim()?;
        Ok(session)
    }

    /// Whether kernels of a component, or of any where none is named, use TVM's pool of workers. Where
    /// the metadata cannot be read they may: opening them says what is wrong.
    pub(crate) fn runs_in_parallel(&'static self, component: Option<&str>) -> bool {
        self.metadata().map_or(true, |metadata| {
            let mut components = metadata.components.iter();
            components
                .any(|known| known.parallel && component.is_none_or(|name| known.name == name))
        })
    }

    /// Claims the prefix in the process-wide table; the first call counts. A plugin's constructor
    /// calls it when its library is loaded.
    #[doc(hidden)]
    pub fn claim(&'static self) {
        self.claim.get_or_init(|| claim::claim(self));
    }

    /// Where this library lies in memory.
    pub(crate) fn address(&'static self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    fn check_claim(&'static self) -> Result<()> {
        self.claim();
        self.claim.get().cloned().unwrap_or(Ok(()))?;
        claim::check(self.prefix)
    }
}
