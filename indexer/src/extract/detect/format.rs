//! The formats that can be read.

/// The formats that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Calendar,
    /// Source code, with the language's family of definitions.
    Code(Language),
    Contacts,
    Conversation,
    Csv,
    Data(Data),
    Doc,
    Docx,
    Epub,
    Html,
    Log,
    Mail,
    Mailbox,
    Markdown,
    Msg,
    Notebook,
    OpenDocument,
    Org,
    Pdf,
    Plain,
    Ppt,
    Pptx,
    Rst,
    Rtf,
    Sheet,
    Subtitles,
    Tex,
}

/// How a language marks where a function or a type begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Braces, with a keyword before the name (Rust, Go, JavaScript, Kotlin, Swift, PHP ...).
    Keyword,
    /// Braces, with the name before a parameter list (C, C++, Java, C#, Dart).
    CLike,
    /// `def` and `class`, by indentation or `end` (Python, Ruby, Elixir, Julia, Lua).
    Indented,
    /// `name() {` (sh, bash, zsh).
    Shell,
    /// `(defun name` (Lisp, Scheme, Clojure).
    Lisp,
    /// `CREATE TABLE name`.
    Sql,
    /// None that is known: by empty lines.
    Other,
}

/// Structured data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    Json,
    JsonLines,
    Yaml,
    Toml,
    Xml,
}

impl Format {
    /// The word of `Extracted::media` and of `type:` in queries.
    pub fn media(self) -> &'static str {
        match self {
            Self::Calendar => "calendar",
            Self::Code(_) => "code",
            Self::Contacts => "contacts",
            Self::Conversation => "conversation",
            Self::Csv => "table",
            Self::Data(Data::Json | Data::JsonLines) => "json",
            Self::Data(Data::Yaml) => "yaml",
            Self::Data(Data::Toml) => "toml",
            Self::Data(Data::Xml) => "xml",
            Self::Doc | Self::Docx | Self::OpenDocument | Self::Rtf => "document",
            Self::Epub => "book",
            Self::Html => "html",
            Self::Log => "log",
            Self::Mail | Self::Mailbox | Self::Msg => "mail",
            Self::Markdown => "markdown",
            Self::Notebook => "notebook",
            Self::Org => "org",
            Self::Pdf => "pdf",
            Self::Plain => "text",
            Self::Ppt | Self::Pptx => "slides",
            Self::Rst => "rst",
            Self::Sheet => "sheet",
            Self::Subtitles => "subtitles",
            Self::Tex => "tex",
        }
    }

    /// Whether the language of its text means anything.
    pub fn is_prose(self) -> bool {
        !matches!(self, Self::Code(_) | Self::Csv | Self::Data(_) | Self::Log | Self::Sheet)
    }

    /// Why a document of this format without any text is not indexed.
    pub fn nothing(self) -> &'static str {
        match self {
            Self::Pdf => "no text: a scan or pictures only",
            Self::Plain | Self::Markdown | Self::Csv | Self::Code(_) => "empty: white space only",
            _ => "no text in it",
        }
    }
}
