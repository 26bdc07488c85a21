//! Numbers and text in few bytes, in memory only.
//!
//! - Whoever reads asks for what was written, in that order; anything else is a bug of ours, and panics: an entry
//!   that was lost here would look like a deletion.

/// Adds a number in as few bytes as it needs.
pub(super) fn put(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
}

/// Adds a number that is near zero most often.
pub(super) fn put_signed(bytes: &mut Vec<u8>, value: i64) {
    put(bytes, (value << 1 ^ value >> 63).cast_unsigned());
}

/// Adds a text.
pub(super) fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put(bytes, text.len() as u64);
    bytes.extend(text.as_bytes());
}

/// Reads what was written.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    /// Where the next value begins.
    pub(super) at: usize,
}

impl<'a> Reader<'a> {
    /// Begins in the middle.
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// Returns one byte.
    pub(super) fn byte(&mut self) -> u8 {
        self.at += 1;
        self.bytes[self.at - 1]
    }

    /// Returns so many bytes.
    pub(super) fn bytes(&mut self, count: usize) -> &'a [u8] {
        self.at += count;
        &self.bytes[self.at - count..self.at]
    }

    /// Returns a number.
    pub(super) fn number(&mut self) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.byte();
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return value;
            }
            shift += 7;
        }
    }

    /// Returns a length.
    pub(super) fn length(&mut self) -> usize {
        usize::try_from(self.number()).expect("what was in memory fits in it")
    }

    /// Returns a number written by [`put_signed`].
    pub(super) fn signed(&mut self) -> i64 {
        let value = self.number();
        (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
    }

    /// Returns a text.
    pub(super) fn text(&mut self) -> &'a str {
        let length = self.length();
        std::str::from_utf8(self.bytes(length)).expect("only text is written as text")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let numbers = [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX];
        let signed = [0, -1, 1, i64::MIN, i64::MAX];
        let mut bytes = Vec::new();
        numbers.iter().for_each(|number| put(&mut bytes, *number));
        signed.iter().for_each(|number| put_signed(&mut bytes, *number));
        put_text(&mut bytes, "");
        put_text(&mut bytes, "é");
        bytes.push(7);
        let mut reader = Reader::new(&bytes, 0);
        assert_eq!(numbers.map(|_| reader.number()), numbers);
        assert_eq!(signed.map(|_| reader.signed()), signed);
        assert_eq!((reader.text(), reader.text(), reader.byte()), ("", "é", 7));
        assert_eq!(reader.at, bytes.len());
    }
}
