// Owned by you: written once, an update never touches it.

//! From symbols to frames: how long each symbol lasts, and what it is in each of its frames.

use tvm_runtime_flutter::{Result, Tensor};

/// Frames of each symbol: whole ones, one at least.
pub fn durations(frames: &[f32], speed: f32) -> Vec<usize> {
    frames.iter().map(|length| (length / speed).round_ties_even().max(1.0) as usize).collect()
}

/// Repeats each row of a (1, symbols, width) tensor as often as its symbol has frames.
///
/// # Errors
/// If the tensor is not float32.
pub fn spread(rows: &Tensor, durations: &[usize]) -> Result<Tensor> {
    let width = rows.shape()[2];
    let values: &[f32] = rows.as_slice()?;
    let frames: usize = durations.iter().sum();
    let mut spread = Tensor::zeros::<f32>(&[1, frames as i64, width])?;
    let mut places = spread.as_mut_slice::<f32>()?.chunks_exact_mut(width as usize);
    for (row, frames) in values.chunks_exact(width as usize).zip(durations) {
        for place in places.by_ref().take(*frames) {
            place.copy_from_slice(row);
        }
    }
    Ok(spread)
}
