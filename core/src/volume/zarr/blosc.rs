//! Blosc 1 containers: blocks, split into streams, each packed and with its bytes or bits regrouped.
//! After the format's own description (c-blosc, README_CHUNK_FORMAT).

use super::codec;

const HEADER: usize = 16;
/// Types wider than this are not split into streams, nor are blocks of fewer values.
const MAX_SPLITS: usize = 16;
const MIN_VALUES: usize = 128;

/// The header's flags.
struct Flags(u8);

impl Flags {
    fn bytes_shuffled(&self) -> bool {
        self.0 & 1 != 0
    }

    fn stored(&self) -> bool {
        self.0 & 2 != 0
    }

    fn bits_shuffled(&self) -> bool {
        self.0 & 4 != 0
    }

    fn split(&self) -> bool {
        self.0 & 16 == 0
    }

    /// Unpacks one stream of `size` bytes.
    fn unpack(&self, data: &[u8], size: usize) -> Result<Vec<u8>, String> {
        match self.0 >> 5 {
            1 => codec::lz4(data, size),
            3 => codec::zlib(data, size),
            4 => codec::zstd(data, size),
            other => Err(format!(
                "blosc packed it by its method {other}, which is not read; save it with lz4 or zstd"
            )),
        }
    }
}

/// Unpacks a container into `limit` bytes at most.
pub(super) fn unpack(data: &[u8], limit: usize) -> Result<Vec<u8>, String> {
    let cut = || "its blosc container is cut short".to_owned();
    let word = |at: usize| {
        let bytes = data.get(at..at + 4).and_then(|b| <[u8; 4]>::try_from(b).ok());
        bytes.map(|b| u32::from_le_bytes(b) as usize).ok_or_else(cut)
    };
    let (flags, width) =
        (Flags(*data.get(2).ok_or_else(cut)?), usize::from(*data.get(3).ok_or_else(cut)?).max(1));
    let (total, block) = (word(4)?, word(8)?);
    if total > limit {
        return Err(format!("its blosc container unpacks to {total} bytes, not {limit}"));
    }
    if flags.stored() {
        return Ok(data.get(HEADER..HEADER + total).ok_or_else(cut)?.to_vec());
    }
    if block == 0 && total > 0 {
        return Err("its blosc container has empty blocks".to_owned());
    }
    let mut out = Vec::new();
    let mut at = HEADER;
    while out.len() < total {
        let size = block.min(total - out.len());
        let streams =
            match flags.split() && width <= MAX_SPLITS && block / width >= MIN_VALUES && size == block {
                true => width,
                false => 1,
            };
        let mut place = word(at)?;
        let mut bytes = Vec::new();
        for _ in 0..streams {
            let (len, part) = (word(place)?, size / streams);
            let stream = data.get(place + 4..).and_then(|rest| rest.get(..len)).ok_or_else(cut)?;
            place += 4 + len;
            bytes.extend(if len == part { stream.to_vec() } else { flags.unpack(stream, part)? });
        }
        if bytes.len() != size {
            return Err("a block of its blosc container has the wrong length".to_owned());
        }
        out.extend(regroup(bytes, width, &flags));
        at += 4;
    }
    Ok(out)
}

/// Undoes the regrouping of a block.
fn regroup(bytes: Vec<u8>, width: usize, flags: &Flags) -> Vec<u8> {
    if flags.bytes_shuffled() && width > 1 {
        unshuffle(&bytes, width)
    } else if flags.bits_shuffled() {
        unshuffle_bits(&bytes, width)
    } else {
        bytes
    }
}

/// From all first bytes, all second bytes, ... to whole values; a remainder stays as it is.
fn unshuffle(bytes: &[u8], width: usize) -> Vec<u8> {
    let count = bytes.len() / width;
    let mut out = bytes.to_vec();
    for (i, value) in out.chunks_exact_mut(width).enumerate() {
        value.iter_mut().enumerate().for_each(|(byte, v)| *v = bytes[byte * count + i]);
    }
    out
}

/// From all lowest bits of all first bytes, ... to whole values, eight values at a time.
fn unshuffle_bits(bytes: &[u8], width: usize) -> Vec<u8> {
    let count = bytes.len() / width / 8 * 8;
    let mut out = bytes.to_vec();
    for i in 0..count {
        for byte in 0..width {
            let bit = |b: usize| (bytes[(byte * 8 + b) * (count / 8) + i / 8] >> (i % 8) & 1) << b;
            out[i * width + byte] = (0..8).map(bit).fold(0, |v, bit| v | bit);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blosc_containers_of_every_method_unpack() {
        // numcodecs.Blosc(name, 9, shuffle).encode of 512 values that rise every 64: lz4 and bytes, zstd and bits,
        // zlib and bytes.
        let containers = [
            "02012102000400000004000056000000140000002e0000001f0001002c1f0101002c1f0201002c1f0301002c1f0401002c1f0501002c1f0601\
             002c1f070100275007070707070c0000001f000100ffe8500000000000",
            "02019402000400000004000041000000140000002900000028b52ffd600003fd0000580000000000000000ffff0007003c4125a0395c138682\
             6027029d79800b8e",
            "0201610200040000000400004a000000140000002000000078da6360a00c305208982804cc1402160a012b85808d42c04e21000065bc07010e\
             00000078da636018052319000002000001",
        ];
        let expected: Vec<u8> = (0..512_u16).flat_map(|i| (i / 64).to_le_bytes()).collect();
        for text in containers {
            let hex: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
            let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
            let bytes: Vec<u8> = hex.chunks(2).map(byte).collect();
            assert_eq!(unpack(&bytes, 1024).unwrap(), expected);
            assert!(unpack(&bytes, 1023).is_err(), "more than was announced");
            for cut in 0..bytes.len() {
                assert!(unpack(&bytes[..cut], 1024).is_err(), "cut at {cut}");
            }
        }
    }
}
