// Owned by the template: `copier update` may rewrite it, do not edit.

//! On which cores, and on how many, the kernels of a model run.
//!
//! TVM keeps a pool of workers for each thread that calls kernels (`thread_pool.cc` in its sources).
//! By its default that is a worker for every core of a phone, the slow ones included, and each step
//! waits for the slowest of them. Here a pool has the fast cores, or what a model asks for.

use std::num::NonZeroUsize;

use crate::error::Result;
use crate::object::{self, call};
use crate::vm::{c_string, required};

/// How many threads a model's kernels use, and on which cores.
///
/// [`Model::threads`](crate::Model::threads) says it for a model. A thread that opens sessions by
/// itself calls [`apply`](Threads::apply). Kernels with little work run on the calling thread alone,
/// whatever is said here. Systems of Apple's choose the cores themselves: there it is a number only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Threads {
    /// The fast cores, and four of them at most: more than four wait for the same memory.
    #[default]
    Fast,
    /// That many cores, the fast ones first.
    Count(NonZeroUsize),
    /// The slow cores where there are any: for work that may take its time, with little power.
    Efficient,
}

/// Most threads of [`Threads::Fast`].
const MOST: usize = 4;
/// A core with less than two thirds of the fastest one's speed is a slow one.
const FAST: (u64, u64) = (2, 3);
/// TVM's mode in which all threads of a pool may move between the cores that are listed
/// (`kSpecifyThreadShareAllCore`).
const SHARED: i64 = -3;

impl Threads {
    /// Sets up TVM's pool of the thread that calls this.
    ///
    /// `TVM_NUM_THREADS` in the environment counts more than what is said here.
    ///
    /// # Errors
    /// [`Error::Runtime`](crate::Error::Runtime) if TVM fails.
    pub fn apply(self) -> Result<()> {
        let wanted = std::env::var("TVM_NUM_THREADS").ok().and_then(|text| text.parse().ok());
        let chosen = wanted.map_or(self, Threads::Count).choose(&cores::read());
        let names = chosen.iter().map(|core| c_string(&core.to_string()));
        let names = names.collect::<Result<Vec<_>>>()?;
        let mut texts: Vec<_> = names.iter().map(|name| object::text(name)).collect();
        // SAFETY: takes any number of texts, which live until it returns.
        let list = unsafe { call(&required("ffi.Array")?, &mut texts) }?;
        let count = object::int(chosen.len() as i64);
        let mut args = [object::int(SHARED), count, list.as_any()];
        // SAFETY: takes a mode, a number of threads and an array of texts that are numbers.
        unsafe { call(&required("runtime.config_threadpool")?, &mut args) }?;
        Ok(())
    }

    /// The numbers of the cores to use, at least one.
    fn choose(self, cores: &[Core]) -> Vec<usize> {
        let mut cores = cores.to_vec();
        // Threads of one core share what multiplies: the first of each serves.
        cores.sort_by_key(|core| (core.place, core.number));
        cores.dedup_by_key(|core| core.place);
        cores.sort_by_key(|core| (std::cmp::Reverse(core.speed), core.number));
        let fastest = cores.first().map_or(0, |core| core.speed);
        let fast = cores.partition_point(|core| core.speed * FAST.1 >= fastest * FAST.0);
        let chosen = match self {
            Self::Fast => &cores[..fast.min(MOST)],
            Self::Efficient if fast < cores.len() => &cores[fast..],
            Self::Efficient => &cores[..fast.min(1)],
            // More threads than cores: some cores run several.
            Self::Count(count) => {
                let numbers = cores.iter().map(|core| core.number).cycle();
                return match cores.len() {
                    0 => vec![0; count.get()],
                    _ => numbers.take(count.get()).collect(),
                };
            }
        };
        match chosen {
            [] => vec![0],
            _ => chosen.iter().map(|core| core.number).collect(),
        }
    }
}

/// A core, or one of its hardware threads.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Core {
    /// By which the system knows it.
    number: usize,
    /// Which core it is a thread of.
    place: (u64, u64),
    /// Relative to the others; the same for all where it is not known.
    speed: u64,
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod cores {
    use super::Core;
    use std::fs;
    use std::path::Path;

    /// The cores that this thread may use.
    pub(super) fn read() -> Vec<Core> {
        let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        let numbers = line.map_or_else(Vec::new, |list| ranges(list.trim()));
        numbers
            .into_iter()
            .map(|number| core(Path::new("/sys/devices/system/cpu"), number))
            .collect()
    }

    /// The numbers in a list as the kernel writes it, `0-3,6`.
    pub(super) fn ranges(list: &str) -> Vec<usize> {
        let parts = list.split(',').filter_map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            Some(first.parse().ok()?..=last.parse().ok()?)
        });
        parts.flatten().collect()
    }

    pub(super) fn core(folder: &Path, number: usize) -> Core {
        let folder = folder.join(format!("cpu{number}"));
        let value = |name: &str| -> Option<u64> {
            fs::read_to_string(folder.join(name)).ok()?.trim().parse().ok()
        };
        let package = value("topology/physical_package_id");
        Core {
            number,
            place: match value("topology/core_id") {
                Some(core) => (package.unwrap_or(0), core),
                None => (u64::MAX, number as u64),
            },
            // Work per second where the kernel knows it, as on all phones, or else the clock.
            speed: value("cpu_capacity").or_else(|| value("cpufreq/cpuinfo_max_freq")).unwrap_or(1),
        }
    }
}

#[cfg(target_vendor = "apple")]
mod cores {
    use super::Core;
    use std::ffi::{CStr, c_char, c_int, c_void};

    unsafe extern "C" {
        fn sysctlbyname(
            name: *const c_char,
            old: *mut c_void,
            old_size: *mut usize,
            new: *mut c_void,
            new_size: usize,
        ) -> c_int;
    }

    /// Performance cores before efficiency cores; processors of Intel's have one kind.
    pub(super) fn read() -> Vec<Core> {
        let performance = value(c"hw.perflevel0.physicalcpu").or_else(|| value(c"hw.physicalcpu"));
        let efficiency = value(c"hw.perflevel1.physicalcpu").unwrap_or(0);
        let performance = performance.unwrap_or(1);
        (0..performance + efficiency)
            .map(|number| Core {
                number,
                place: (0, number as u64),
                speed: if number < performance { 2 } else { 1 },
            })
            .collect()
    }

    fn value(name: &CStr) -> Option<usize> {
        let mut value: c_int = 0;
        let mut size = size_of::<c_int>();
        // SAFETY: the name ends with a zero byte, and the value has room for what is asked for.
        let code = unsafe {
            sysctlbyname(
                name.as_ptr(),
                (&raw mut value).cast(),
                &raw mut size,
                std::ptr::null_mut(),
                0,
            )
        };
        (code == 0).then(|| usize::try_from(value).ok()).flatten()
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
mod cores {
    use super::Core;

    /// All of one kind.
    pub(super) fn read() -> Vec<Core> {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        (0..count).map(|number| Core { number, place: (0, number as u64), speed: 1 }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cores of the given speeds, none of which has several threads.
    fn cores(speeds: &[u64]) -> Vec<Core> {
        let core = |(number, speed): (usize, &u64)| Core {
            number,
            place: (0, number as u64),
            speed: *speed,
        };
        speeds.iter().enumerate().map(core).collect()
    }

    fn count(threads: usize) -> Threads {
        Threads::Count(NonZeroUsize::new(threads).unwrap())
    }

    #[test]
    fn fast_cores_are_chosen_wherever_they_stand() {
        // Four slow ones first, then three fast ones and the fastest.
        let phone = cores(&[325, 325, 325, 325, 870, 870, 870, 1024]);
        assert_eq!(Threads::Fast.choose(&phone), [7, 4, 5, 6]);
        assert_eq!(Threads::Efficient.choose(&phone), [0, 1, 2, 3]);
        assert_eq!(Threads::Fast.choose(&cores(&[500, 500, 1024, 1024])), [2, 3]);
        assert_eq!(count(2).choose(&phone), [7, 4]);
    }

    #[test]
    fn equal_cores_are_all_fast_and_four_serve() {
        let desktop = cores(&[1; 16]);
        assert_eq!(Threads::Fast.choose(&desktop), [0, 1, 2, 3]);
        assert_eq!(Threads::Efficient.choose(&desktop), [0]);
        // A clock that differs a little, as that of favoured cores, makes nobody slow.
        assert_eq!(Threads::Fast.choose(&cores(&[4900, 4900, 5000])), [2, 0, 1]);
    }

    #[test]
    fn one_thread_of_a_core_serves() {
        let mut threads = cores(&[1; 4]);
        threads[2].place = threads[0].place;
        threads[3].place = threads[1].place;
        assert_eq!(Threads::Fast.choose(&threads), [0, 1]);
    }

    #[test]
    fn there_is_always_a_thread() {
        for threads in [Threads::Fast, Threads::Efficient, count(1)] {
            assert_eq!(threads.choose(&[]), [0]);
            assert_eq!(threads.choose(&cores(&[0])), [0]);
        }
        assert_eq!(count(3).choose(&cores(&[1, 1])), [0, 1, 0]);
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    #[test]
    fn the_kernels_lists_are_read() {
        assert_eq!(super::cores::ranges("0-2,5,7-8"), [0, 1, 2, 5, 7, 8]);
        assert_eq!(super::cores::ranges(""), [0_usize; 0]);
        assert!(!super::cores::read().is_empty());
        let unknown = super::cores::core(std::path::Path::new("/nowhere"), 3);
        assert_eq!(unknown, Core { number: 3, place: (u64::MAX, 3), speed: 1 });
    }
}
