//! The bytes of SSH: numbers and strings with their lengths, as keys, signatures and agents use them.

/// Longest string that is read: messages to and from an agent are the longest there are.
const STRING_BYTES_MAX: usize = 256 << 10;

/// Writes SSH's forms.
#[derive(Debug, Default, Clone)]
pub struct Writer(pub Vec<u8>);

impl Writer {
    /// A string: its length in four bytes, then its bytes.
    ///
    /// # Panics
    ///
    /// If it has more than four gigabytes: nothing that is signed or asked has.
    #[must_use]
    pub fn string(mut self, bytes: &[u8]) -> Self {
        let length = u32::try_from(bytes.len()).expect("fields are at most some kilobytes long");
        self.0.extend(length.to_be_bytes());
        self.0.extend(bytes);
        self
    }

    /// Bytes as they are.
    #[must_use]
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    /// A number in four bytes.
    #[must_use]
    pub fn number(self, number: u32) -> Self {
        self.raw(&number.to_be_bytes())
    }
}

/// Reads SSH's forms. Nothing means that the bytes end too early or are too many.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'b>(pub &'b [u8]);

impl<'b> Reader<'b> {
    /// So many bytes.
    pub fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// One byte.
    pub fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    /// A number of four bytes.
    pub fn number(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// A string.
    pub fn string(&mut self) -> Option<&'b [u8]> {
        let length = usize::try_from(self.number()?).ok().filter(|length| *length <= STRING_BYTES_MAX)?;
        self.take(length)
    }

    /// A string that is text.
    pub fn text(&mut self) -> Option<&'b str> {
        std::str::from_utf8(self.string()?).ok()
    }

    /// A string of exactly so many bytes.
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.string()?.try_into().ok()
    }

    /// Whether everything was read.
    pub fn is_done(&self) -> bool {
        self.0.is_empty()
    }
}
