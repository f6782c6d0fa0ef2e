// Owned by the template: `copier update` may rewrite it, do not edit.

//! A value on a thread of its own.
//!
//! The bridge calls functions on whichever of its threads is free, while TVM keeps a pool of workers
//! for each thread that runs kernels. A model that stays on one thread has one pool.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::thread;

use tvm_runtime_flutter::{Error, Result, Threads};

type Job<T> = Box<dyn FnOnce(&mut T) + Send>;

/// A value that is made, used and dropped on one thread, which ends with this handle.
pub struct OnThread<T> {
    jobs: Sender<Job<T>>,
}

impl<T: 'static> OnThread<T> {
    /// Starts the thread, whose kernels run on the fast cores, and makes the value there.
    ///
    /// # Errors
    /// Those of `make` and of [`Threads::apply`]; a panic in `make`.
    pub fn open(make: impl FnOnce() -> Result<T> + Send + 'static) -> Result<Self> {
        let (jobs, inbox) = channel::<Job<T>>();
        let (opened, outcome) = sync_channel(1);
        let work = move || {
            let made = catch_unwind(AssertUnwindSafe(|| {
                Threads::default().apply()?;
                make()
            }));
            match made.unwrap_or_else(|_| Err(panicked())) {
                Ok(mut value) => {
                    if opened.send(Ok(())).is_ok() {
                        // A job that panics ends the thread, and later calls say so.
                        inbox.iter().for_each(|job| job(&mut value));
                    }
                }
                Err(error) => drop(opened.send(Err(error))),
            }
        };
        let thread = thread::Builder::new().name("tvm model".into()).spawn(work);
        thread.map_err(|reason| {
            Error::model(format!("no thread for the model: {reason}"), "Close other models")
        })?;
        outcome.recv().unwrap_or_else(|_| Err(panicked()))?;
        Ok(Self { jobs })
    }

    /// Runs a job on the value, after those that were handed in before, and waits for it.
    ///
    /// # Errors
    /// Those of the job; a panic in this job or an earlier one.
    pub fn call<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut T) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        let (answer, outcome) = sync_channel(1);
        let work = move |value: &mut T| drop(answer.send(job(value)));
        self.jobs.send(Box::new(work)).map_err(|_| panicked())?;
        outcome.recv().unwrap_or_else(|_| Err(panicked()))
    }
}

fn panicked() -> Error {
    Error::Panicked { message: "on the model's thread".into() }
}
