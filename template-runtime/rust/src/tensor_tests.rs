// Owned by the template: `copier update` may rewrite it, do not edit.

//! Tests of [`Tensor`](crate::Tensor).

use crate::{ALIGNMENT, DType, Error, Tensor};

#[test]
fn memory_is_aligned_and_zero_whatever_the_size() {
    for length in [1, 3, 64, 1000] {
        let tensor = Tensor::zeros::<f32>(&[length]).unwrap();
        assert_eq!(tensor.as_slice::<f32>().unwrap().as_ptr().addr() % ALIGNMENT, 0);
        assert!(tensor.as_bytes().iter().all(|&byte| byte == 0));
    }
}

#[test]
fn a_scalar_has_one_element_and_no_dimension() {
    let scalar = Tensor::from_slice(&[], &[2.5f64]).unwrap();
    assert_eq!((scalar.len(), scalar.shape()), (1, &[][..]));
    assert_eq!(scalar.as_slice::<f64>(), Ok(&[2.5][..]));
}

#[test]
fn an_empty_tensor_can_be_read_and_written() {
    let mut empty = Tensor::zeros::<i32>(&[0, 4]).unwrap();
    assert!(empty.is_empty());
    assert!(empty.as_slice::<i32>().unwrap().is_empty());
    assert!(empty.as_mut_slice::<i32>().unwrap().is_empty());
    assert!(empty.deep_copy().unwrap().is_empty());
}

#[test]
fn shapes_that_no_memory_can_hold_are_refused() {
    for shape in [&[-1][..], &[i64::MAX], &[1 << 40, 1 << 40], &[0, -1]] {
        let error = Tensor::zeros::<f32>(shape).unwrap_err();
        assert!(matches!(error, Error::Shape { .. }), "{shape:?}: {error}");
    }
}

#[test]
fn values_must_be_as_many_as_the_shape_says() {
    assert_eq!(Tensor::from_slice(&[2, 2], &[1.0f32; 3]).unwrap_err().code(), 5);
}

#[test]
fn elements_are_only_seen_as_what_they_are() {
    let tensor = Tensor::zeros::<i64>(&[2]).unwrap();
    assert_eq!(tensor.as_slice::<f64>().unwrap_err().code(), 4);
    let truth = Tensor::zeros_of(DType::Bool, &[2]).unwrap();
    assert_eq!(truth.as_slice::<u8>(), Ok(&[0, 0][..]));
}

#[test]
fn only_the_last_handle_may_write() {
    let mut tensor = Tensor::from_slice(&[2], &[1u8, 2]).unwrap();
    let other = tensor.clone();
    assert_eq!(tensor.as_mut_slice::<u8>().unwrap_err(), Error::NotWritable);
    assert_eq!(tensor.as_bytes_mut().unwrap_err(), Error::NotWritable);
    drop(other);
    tensor.as_mut_slice::<u8>().unwrap()[0] = 9;
    assert_eq!(tensor.as_slice::<u8>(), Ok(&[9, 2][..]));
}

#[test]
fn a_deep_copy_shares_nothing() {
    let tensor = Tensor::from_slice(&[2], &[1i16, 2]).unwrap();
    let mut copy = tensor.deep_copy().unwrap();
    copy.as_mut_slice::<i16>().unwrap()[0] = 7;
    assert_eq!(tensor.as_slice::<i16>(), Ok(&[1, 2][..]));
}

#[test]
fn handles_may_be_dropped_on_other_threads() {
    let tensor = Tensor::from_slice(&[3], &[1.0f32, 2.0, 3.0]).unwrap();
    let sums = [(); 4].map(|()| {
        let handle = tensor.clone();
        std::thread::spawn(move || handle.as_slice::<f32>().unwrap().iter().sum::<f32>())
    });
    assert!(sums.into_iter().all(|thread| thread.join().unwrap() == 6.0));
    assert!(tensor.is_writable());
}
