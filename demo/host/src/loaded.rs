//! Which shared libraries this process holds, as the kernel sees it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{fs, io};

/// The mapped shared libraries whose file name contains one of `names`, with their sizes in bytes.
///
/// Two copies of a library in two folders are two entries: this is what shows that an app holds
/// one runtime.
pub fn libraries(names: &[&str]) -> io::Result<BTreeMap<PathBuf, u64>> {
    let maps = fs::read_to_string("/proc/self/maps")?;
    maps.lines()
        .filter_map(|line| line.split_whitespace().nth(5))
        .map(PathBuf::from)
        .filter(|path| {
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            file.contains(".so") && names.iter().any(|name| file.contains(name))
        })
        .map(|path| fs::metadata(&path).map(|metadata| (path, metadata.len())))
        .collect()
}
