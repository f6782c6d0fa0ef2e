//! What the demo's programs share: opening a plugin, reading a sound, looking at the process.

pub mod loaded;
pub mod plugin;
pub mod sound;
