//! LZF, the filter that h5py packs chunks of HDF5 files with (number 32000).

use hdf5_reader::FilterRegistry;
use hdf5_reader::error::Error;
use hdf5_reader::messages::filter_pipeline::FilterDescription;

/// The filter's number.
const NUMBER: u16 = 32000;
/// Words of the filter's settings before the length of an unpacked chunk.
const LENGTH_AT: usize = 2;

/// The filters of HDF5 and this one; no chunk unpacks to more than `most` bytes.
pub(super) fn filters(most: usize) -> FilterRegistry {
    let mut filters = FilterRegistry::new();
    let unpack = move |filter: &FilterDescription, packed: &[u8], _: usize| {
        let stated = filter.client_data.get(LENGTH_AT).map_or(most, |n| *n as usize);
        let damaged = || Error::InvalidData("an LZF chunk is damaged".to_owned());
        unpacked(packed, stated.min(most)).ok_or_else(damaged)
    };
    filters.register(NUMBER, Box::new(unpack) as _);
    filters
}

/// The bytes that `packed` stands for; None where it is damaged or stands for more than `most`.
fn unpacked(packed: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut rest = packed.iter().copied();
    let mut out: Vec<u8> = Vec::new();
    while let Some(control) = rest.next() {
        let control = usize::from(control);
        if control < 32 {
            // so many bytes as they are, and one more
            for _ in 0..=control {
                out.push(rest.next()?);
            }
        } else {
            // what was said before: how long, and how far back
            let mut length = control >> 5;
            if length == 7 {
                length += usize::from(rest.next()?);
            }
            let back = ((control & 31) << 8 | usize::from(rest.next()?)) + 1;
            let from = out.len().checked_sub(back)?;
            for i in from..from + length + 2 {
                out.push(*out.get(i)?);
            }
        }
        if out.len() > most {
            return None;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_and_repetitions() {
        assert_eq!(unpacked(&[2, b'a', b'b', b'c', 0x80, 2], 100).unwrap(), b"abcabcabc");
        assert_eq!(unpacked(&[0, 9, 0xe0, 250, 0], 1000).unwrap(), vec![9; 260]);
        assert_eq!(unpacked(&[], 0).unwrap(), b"");
        for damaged in [&[3, 1][..], &[0x20, 0], &[0, 1, 0x20], &[0, 1, 0xe0, 1], &[0, 9, 0xe0, 250, 0]] {
            assert_eq!(unpacked(damaged, 100), None, "{damaged:?}");
        }
    }
}
