//! The format that the name of a text file says.

use super::{Data, Format, Language};

pub fn by_extension(name: &str, extension: &str) -> Option<Format> {
    use Format as F;
    Some(match extension {
        "md" | "markdown" | "mdown" | "mkd" | "mdx" | "qmd" | "rmd" => F::Markdown,
        "org" => F::Org,
        "rst" => F::Rst,
        "tex" | "ltx" | "latex" | "sty" | "cls" | "bib" => F::Tex,
        "csv" | "tsv" | "tab" | "psv" => F::Csv,
        "json" | "geojson" | "json5" | "jsonc" | "webmanifest" => F::Data(Data::Json),
        "jsonl" | "ndjson" => F::Data(Data::JsonLines),
        "yaml" | "yml" => F::Data(Data::Yaml),
        "toml" => F::Data(Data::Toml),
        "xml" | "xsl" | "xslt" | "xsd" | "rss" | "atom" | "opml" | "svg" | "kml" | "gpx" | "plist" | "dtd" => {
            F::Data(Data::Xml)
        }
        "html" | "htm" | "xhtml" | "xht" => F::Html,
        "srt" | "vtt" => F::Subtitles,
        "ipynb" => F::Notebook,
        "mbox" | "mbx" => F::Mailbox,
        "ics" | "ical" | "ifb" | "vcs" => F::Calendar,
        "vcf" | "vcard" => F::Contacts,
        "log" | "out" | "err" => F::Log,
        "txt" | "text" => F::Plain,
        _ => return language(name, extension).map(F::Code),
    })
}

fn language(name: &str, extension: &str) -> Option<Language> {
    use Language as L;
    Some(match extension {
        "rs" | "go" | "js" | "mjs" | "cjs" | "jsx" | "ts" | "tsx" | "mts" | "vue" | "svelte" | "kt" | "kts"
        | "swift" | "php" | "scala" | "sc" | "zig" | "proto" | "thrift" | "graphql" | "gql" | "groovy" | "gradle"
        | "v" | "sol" | "nim" | "hs" | "ml" | "mli" | "fs" | "fsx" | "elm" | "tf" | "hcl" | "pl" | "pm" | "r"
        | "ps1" | "awk" => L::Keyword,
        "c" | "h" | "cc" | "cpp" | "cxx" | "hh" | "hpp" | "hxx" | "java" | "cs" | "dart" | "m" | "mm" | "d" | "cu"
        | "glsl" | "ino" => L::CLike,
        "py" | "pyi" | "pyw" | "rb" | "rake" | "ex" | "exs" | "jl" | "lua" | "cr" | "gd" | "pyx" | "coffee" => {
            L::Indented
        }
        "sh" | "bash" | "zsh" | "fish" | "ksh" => L::Shell,
        "lisp" | "cl" | "el" | "scm" | "rkt" | "clj" | "cljs" | "cljc" | "edn" | "fnl" => L::Lisp,
        "sql" | "psql" | "ddl" => L::Sql,
        "css" | "scss" | "sass" | "less" | "asm" | "s" | "ini" | "cfg" | "conf" | "properties" | "cmake" | "mk"
        | "bat" | "cmd" | "diff" | "patch" | "nix" | "vim" | "dockerfile" | "desktop" | "service" | "erl" | "hrl"
        | "f90" | "f" | "pas" | "vb" | "bas" | "vhd" | "vhdl" | "sv" | "tcl" | "ada" | "adb" => L::Other,
        _ => {
            return matches!(
                name,
                "makefile"
                    | "dockerfile"
                    | "justfile"
                    | "rakefile"
                    | "gemfile"
                    | "cmakelists.txt"
                    | "jenkinsfile"
                    | "vagrantfile"
            )
            .then_some(L::Other);
        }
    })
}
