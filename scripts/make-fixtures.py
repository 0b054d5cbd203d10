#!/usr/bin/env python3
"""Writes the binary files of the sample vault (fixtures/vault): PDF, office files, EPUB, an image, a blob.

They are committed; run this only after changing a text below. It needs python-docx, python-pptx, xlsxwriter,
odfpy, reportlab and ebooklib in a virtual environment outside the checkout:

    python3 -m venv ~/.cache/echofs-fixtures
    ~/.cache/echofs-fixtures/bin/pip install python-docx python-pptx xlsxwriter odfpy reportlab ebooklib
    ~/.cache/echofs-fixtures/bin/python scripts/make-fixtures.py

Two runs with the same library versions give the same bytes: dates, ids and zip entries are fixed.
"""

import re
import struct
import zipfile
import zlib
from datetime import datetime
from pathlib import Path

import xlsxwriter
from docx import Document
from ebooklib import epub
from odf import dc, meta
from odf.opendocument import OpenDocumentText
from odf.table import Table, TableCell, TableRow
from odf.text import H, List, ListItem, P
from pptx import Presentation
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen import canvas

VAULT = Path(__file__).resolve().parent.parent / "fixtures" / "vault"
ZIP_TIME = (2026, 1, 1, 0, 0, 0)
OWNER = "Hanna Brekke"


def settle_zip(path: Path, stamp: str) -> None:
    """Rewrites a zip container with fixed entry times and, in its metadata, `stamp` as every date of saving."""
    with zipfile.ZipFile(path) as archive:
        entries = [(entry, archive.read(entry)) for entry in archive.infolist()]
    with zipfile.ZipFile(path, "w") as archive:
        for entry, data in entries:
            if entry.filename.endswith((".opf", "core.xml")):
                data = re.sub(rb"(modified[^>]*>)\d{4}-[^<]*", rb"\g<1>" + stamp.encode(), data)
            info = zipfile.ZipInfo(entry.filename, ZIP_TIME)
            info.external_attr = 0o644 << 16
            info.compress_type = entry.compress_type
            archive.writestr(info, data)


def pdf(path: str, title: str, author: str, pages: list[list[str]], footer: str) -> None:
    """Writes one PDF page for each list of lines. `# ` begins a heading; a line is not broken any further."""
    sheet = canvas.Canvas(str(VAULT / path), pagesize=A4, invariant=1)
    sheet.setTitle(title)
    sheet.setAuthor(author)
    for number, lines in enumerate(pages, 1):
        y = 780
        for line in lines:
            heading = line.startswith("# ")
            sheet.setFont("Helvetica-Bold" if heading else "Helvetica", 14 if heading else 10.5)
            sheet.drawString(60, y, line.removeprefix("# "))
            y -= 26 if heading else 16
        sheet.setFont("Helvetica", 8)
        sheet.drawString(60, 40, f"{footer}, page {number} of {len(pages)}")
        sheet.showPage()
    sheet.save()


def heat_pump_quote() -> None:
    pdf(
        "home/heat-pump-quote.pdf",
        "Quotation TH-0226: air source heat pump, 7 Kelpie Lane",
        "Alasdair Tait",
        [
            [
                "# Tait Heating, Skerrow",
                "Quotation TH-0226, 11 February 2026",
                "For Ms Brekke and Mr Ruiz, 7 Kelpie Lane",
                "",
                "After measuring all rooms on 29 January we offer:",
                "",
                "One air source heat pump, monobloc, nominal output 7 kW",
                "One hot water cylinder, 180 litres, with immersion heater",
                "Three new radiators (hall, kitchen, Elin's room); five are kept",
                "Pipework, controls, removal of the gas boiler",
                "",
                "Price without grant: 10,480 pounds, no VAT on energy saving materials",
                "",
                "Calculated heat loss of the house at minus three degrees: 6.2 kW.",
                "The two rooms that will stay coolest are the landing and the box room.",
            ],
            [
                "# Terms",
                "This quotation is valid until 31 March 2026.",
                "A quarter of the price is due on order, the rest after commissioning.",
                "",
                "# Warranty",
                "Compressor: seven years. All other parts and labour: two years.",
                "The warranty ends if the yearly service is missed by more than 30 days.",
                "",
                "# Noise",
                "At the boundary to number 9 the unit makes 37 decibels at full output.",
                "It stands on rubber feet on a slab of 90 by 60 centimetres, which you provide.",
                "",
                "# What we do not do",
                "Decoration after pipework, asbestos, and anything on a Sunday.",
            ],
        ],
        "Tait Heating, quotation TH-0226",
    )


def field_report() -> None:
    pdf(
        "projects/loch-arrin/field-report.pdf",
        "Bats of Loch Arrin, 2026: field report",
        OWNER,
        [
            [
                "# Bats of Loch Arrin, 2026",
                "Field report for the Solway Rivers Trust",
                "Hanna Brekke, Skerrow. Version 0.9 (draft), 4 September 2026",
                "",
                "# Summary",
                "Bats were recorded around Loch Arrin in two phases between May and September.",
                "Nine species were found. One of them, Nathusius' pipistrelle, is new for the loch.",
                "Most feeding takes place along the east shore, close to the water.",
                "A lit footpath there, as planned, would cut across the best feeding ground.",
                "A dark strip and amber light would keep most of its value.",
                "",
                "This is a draft: numbers of phase 2 may still change by a few passes.",
            ],
            [
                "# Methods",
                "24 recorders of the type Wren-4 were deployed on four transects.",
                "They sampled at 384 kHz, with a gain of 18 dB and a high pass at 10 kHz.",
                "Each night lasted from 30 minutes before sunset to 30 minutes after sunrise.",
                "Recordings reached the server by base station; no card was read by hand except D5.",
                "",
                "Calls were identified automatically and then checked by ear and eye:",
                "every rare species, and one night in ten of the common ones.",
                "Calls of the genus Myotis were not split, except Daubenton's feeding over open water.",
                "Weather came from the buoy at the outflow; two nights of storm were left out.",
            ],
            [
                "# Results",
                "Passes in all: 11,862, on 68 nights.",
                "",
                "Soprano pipistrelle: 5,920",
                "Common pipistrelle: 3,304",
                "Daubenton's bat: 1,871",
                "Leisler's bat: 402",
                "Myotis, not split: 211",
                "Brown long-eared bat: 96",
                "Nathusius' pipistrelle: 37, all at stations A6 and A7, from 23 August on",
                "Others: 21",
                "",
                "The busiest night was 19 August with 611 passes, warm and without wind.",
                "On the east shore 71 per cent of all passes lay between 20 and 30 metres from the water.",
            ],
            [
                "# Recommendations",
                "1. Keep a dark strip of 25 metres along the whole east shore.",
                "2. Move the path behind the alders, which costs 140 metres of extra length.",
                "3. Where light cannot be avoided: bollards below 60 centimetres, 1,800 kelvin.",
                "4. Repeat the survey in 2028 with the same stations.",
                "5. Put up twelve boxes for Nathusius' pipistrelle on the island before April.",
                "",
                "# Thanks",
                "To Tom Abernethy for the boat, to Elin for counting,",
                "and to the owl of B6 for leaving the microphone where it was.",
            ],
        ],
        "Bats of Loch Arrin 2026, draft 0.9",
    )


def moss_summary() -> None:
    pdf(
        "projects/arrin-moss-2025-summary.pdf",
        "Arrin Moss, autumn 2025: summary",
        OWNER,
        [
            [
                "# Arrin Moss, autumn 2025: summary",
                "For the Galloway Peat Partnership, 19 December 2025",
                "",
                "Nine recorders stood on the Moss from 1 September to 31 October 2025.",
                "They counted 3,410 passes of six species.",
                "Four fifths were soprano pipistrelle, along the birch edge in the south.",
                "The open peat was used by Leisler's bats on warm nights only.",
                "",
                "Blocking the main drain should begin at the northern end and not before October 2026,",
                "because the pool beside it is the only one with flying insects late in the year.",
                "No Nathusius' pipistrelle was recorded on the Moss.",
            ]
        ],
        "Arrin Moss 2025",
    )


def insurance() -> None:
    document = Document()
    core = document.core_properties
    core.author, core.title = "Harbour Mutual", "Your house insurance from 1 April 2026"
    core.created = core.modified = datetime(2026, 3, 6, 10, 0)
    document.add_heading("Your house insurance from 1 April 2026", 0)
    document.add_paragraph("Policy HK-2207-5519, Ms H. Brekke and Mr D. Ruiz, 7 Kelpie Lane, Skerrow. 6 March 2026.")
    document.add_paragraph(
        "Thank you for staying with Harbour Mutual for the seventh year. After the storm in January we have looked at "
        "all policies on the sea front again. For you this is what changes and what stays as it was."
    )
    document.add_heading("What changes", 1)
    for text in (
        "The premium rises from £371.20 to £412.60 a year.",
        "The excess for storm damage rises from £150 to £250. For your claim of January the old one applied.",
        "Bicycles are covered away from home up to £600 each, and need no longer be listed.",
    ):
        document.add_paragraph(text, style="List Bullet")
    document.add_heading("What stays", 1)
    document.add_paragraph("Sum insured and limits are the same as last year:")
    table = document.add_table(rows=1, cols=3)
    table.style = "Table Grid"
    for cell, text in zip(table.rows[0].cells, ("What", "Up to", "Excess")):
        cell.text = text
    for row in (
        ("Building", "£340,000", "£150"),
        ("Contents", "£62,000", "£100"),
        ("Flood from the sea", "£340,000", "£1,000"),
        ("Musical instruments at home", "£8,500", "none"),
    ):
        for cell, text in zip(table.add_row().cells, row):
            cell.text = text
    document.add_heading("Please tell us", 1)
    document.add_paragraph(
        "Tell us within 30 days when you let a room, put up solar panels, or leave the house empty for more than "
        "45 days in a row. Work by a registered tradesman need not be announced unless the roof is opened."
    )
    document.add_paragraph("Yours sincerely, Gordon Abara, member services")
    path = VAULT / "home/house-insurance.docx"
    document.save(path)
    settle_zip(path, "2026-03-06T10:00:00Z")


def landowners() -> None:
    document = Document()
    core = document.core_properties
    core.author, core.title = OWNER, "Briefing for the landowners around Loch Arrin"
    core.created = core.modified = datetime(2026, 4, 27, 9, 0)
    document.add_heading("Briefing for the landowners around Loch Arrin", 0)
    document.add_paragraph("27 April 2026. Please pin this up where the farm workers have their tea.")
    document.add_heading("What you will see", 1)
    document.add_paragraph(
        "From 11 May small grey boxes on bamboo poles stand along the shore. Each has a number and my telephone number. "
        "They record sounds far above what people can hear; conversations cannot be made out, and everything below "
        "ten kilohertz is cut off in the box."
    )
    document.add_heading("What we ask", 1)
    for text in (
        "Keep cattle off the strip at the outflow between 11 and 14 May while the poles go in.",
        "Do not strim within five metres of a pole. Grass on the microphone sounds like rain.",
        "If a box lies in the water, leave it there and ring me. It survives; the cable does not.",
    ):
        document.add_paragraph(text, style="List Number")
    document.add_heading("What you get", 1)
    document.add_paragraph(
        "Each farm receives a list of its own species in October, and £60 for each pole on its land, "
        "paid by the Trust at the end of the season."
    )
    path = VAULT / "projects/loch-arrin/landowner-briefing.docx"
    document.save(path)
    settle_zip(path, "2026-04-27T09:00:00Z")


def planting_plan() -> None:
    document = OpenDocumentText()
    document.meta.addElement(dc.Title(text="Planting plan for plot 22"))
    document.meta.addElement(dc.Creator(text=OWNER))
    document.meta.addElement(meta.CreationDate(text="2026-03-15T18:00:00"))
    document.text.addElement(H(outlinelevel=1, text="Planting plan for plot 22"))
    document.text.addElement(
        P(text="15 March 2026. The plot is 9 by 21 metres and slopes to the south. Beds are counted from the gate.")
    )
    beds = Table(name="Beds")
    for row in (
        ("Bed", "2026", "2027"),
        ("A", "potatoes", "beans and peas"),
        ("B", "squash under fleece", "kale and leeks"),
        ("C", "broad beans", "potatoes"),
        ("D", "raspberries, moved", "raspberries"),
        ("E", "green manure (phacelia), the soil is tired", "squash"),
        ("F", "herbs, and one row of asters for Elin", "herbs"),
    ):
        line = TableRow()
        for text in row:
            cell = TableCell()
            cell.addElement(P(text=text))
            line.addElement(cell)
        beds.addElement(line)
    document.text.addElement(beds)
    document.text.addElement(H(outlinelevel=2, text="Rules for rotation"))
    rules = List()
    for text in (
        "Potatoes never two years in the same bed, and never after tomatoes.",
        "Lime bed B in November, 200 grams a square metre; the test strip said pH 5.8.",
        "Whoever plants mint outside a pot digs it out again, alone.",
    ):
        item = ListItem()
        item.addElement(P(text=text))
        rules.addElement(item)
    document.text.addElement(rules)
    path = VAULT / "garden/planting-plan.odt"
    document.save(str(path))
    settle_zip(path, "2026-03-15T18:00:00")


SLIDES = [
    ("Listening in the dark", ["What 22 small boxes heard at Loch Arrin", "Hanna Brekke, Edinburgh, 27 November 2026"],
     "25 minutes. Do not begin with the joke about the cat."),
    ("Why at night, why by ear", ["Eight in ten of our mammals are awake when we are not", "A microphone does not disturb",
     "One season: 2.9 terabytes, one person"], "Play the ten times slower pipistrelle here, 8 seconds."),
    ("A box in a tree", ["384 kHz, eight lithium cells, about 19 nights", "Radio to the island, mobile network to Glasgow",
     "Nothing is deleted before 48 hours after the server has it"], "Pass a Wren-4 round. Count them afterwards."),
    ("What went wrong", ["A replication that choked on large files", "A certificate that ran out at night", "A thief with good taste"],
     "This is the slide they will remember. Take four minutes."),
    ("The first Nathusius", ["Station A7, 23 August, 22:47", "Second opinion from Halle: ninety-five per cent"],
     "Name Anke Seidel and the museum. Show the sonogram large."),
    ("A dark strip of 25 metres", ["Not darkness everywhere: a way round", "The Trust decides about the path on 10 December"],
     "End here. If asked about the harbour lamps: yes, the same idea; no, not the same money."),
]


def talk() -> None:
    deck = Presentation()
    deck.core_properties.author, deck.core_properties.title = OWNER, "Listening in the dark"
    deck.core_properties.created = deck.core_properties.modified = datetime(2026, 11, 8, 21, 0)
    for title, points, notes in SLIDES:
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = "\n".join(points)
        slide.notes_slide.notes_text_frame.text = notes
    path = VAULT / "work/listening-in-the-dark.pptx"
    deck.save(path)
    settle_zip(path, "2026-11-08T21:00:00Z")


INVOICES = [
    ("2026-001", "Galloway Peat Partnership", "Arrin Moss, final report", "2026-01-05", 3040, "2026-02-17"),
    ("2026-004", "Solway Rivers Trust", "Loch Arrin, 30 % on signing", "2026-04-22", 5520, "2026-05-20"),
    ("2026-007", "Solway Natural History Society", "Nightingale, five days", "2026-06-08", 1750, "2026-06-15"),
    ("2026-011", "Solway Rivers Trust", "Loch Arrin, 40 % after phase 1", "2026-06-26", 7360, "2026-07-20"),
    ("2026-014", "Small Waters", "Podcast, travel", "2026-08-03", 64.8, "2026-08-09"),
    ("2026-016", "Skerrow Community Council", "Harbour lamps, two days", "2026-09-21", 700, "2026-10-12"),
    ("2026-019", "Solway Rivers Trust", "Loch Arrin, 30 % with the report", "2026-10-19", 5520, None),
]
EXPENSES = [
    ("2026-04-14", "Ferrand Acoustique", "Twelve Wren-4 recorders, 8 % off", 2095.44),
    ("2026-05-02", "Brae Foot Garden Centre", "Bamboo poles, 30 pieces", 84),
    ("2026-05-27", "Baird's Motors", "Cam belt and water pump", 540),
    ("2026-06-30", "Kestrel Hosting", "VM in Glasgow, half a year", 252),
    ("2026-08-01", "Customs House Trust", "Deposit, two months", 330),
    ("2026-09-24", "Saltire Couriers", "Disk from Halle, one way", 38.5),
    ("2026-10-05", "Kestrel Hosting", "Text message service, one year", 24),
]


def invoices() -> None:
    path = VAULT / "work/invoices-2026.xlsx"
    book = xlsxwriter.Workbook(str(path))
    book.set_properties({"title": "Invoices and expenses 2026", "author": OWNER, "created": datetime(2026, 1, 5, 9, 0)})
    bold, day = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
    first, second = book.add_worksheet("Invoices"), book.add_worksheet("Expenses")
    first.write_row(0, 0, ["number", "client", "for", "issued", "amount GBP", "paid on"], bold)
    for row, (number, client, subject, issued, amount, paid) in enumerate(INVOICES, 1):
        first.write_row(row, 0, [number, client, subject])
        first.write_datetime(row, 3, datetime.fromisoformat(issued), day)
        first.write_number(row, 4, amount)
        if paid:
            first.write_datetime(row, 5, datetime.fromisoformat(paid), day)
        else:
            first.write_string(row, 5, "open")
    last = len(INVOICES) + 1
    first.write_string(last, 2, "total", bold)
    first.write_formula(last, 4, f"=SUM(E2:E{last})", bold, sum(row[4] for row in INVOICES))
    second.write_row(0, 0, ["date", "supplier", "what", "amount GBP"], bold)
    for row, (paid, supplier, what, amount) in enumerate(EXPENSES, 1):
        second.write_datetime(row, 0, datetime.fromisoformat(paid), day)
        second.write_row(row, 1, [supplier, what, amount])
    for sheet, widths in ((first, (11, 32, 34, 12, 12, 12)), (second, (12, 26, 36, 12))):
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
    book.close()
    settle_zip(path, "2026-10-19T09:00:00Z")


CHAPTERS = [
    ("Before you count", [
        "An acoustic index turns an hour of sound into one number. That is its charm and its danger: two very different "
        "mornings can end at the same figure, as two very different meals can weigh the same.",
        "This booklet explains three indices that are in use, what each hears, and what fools it. It grew out of an evening "
        "course in Skerrow in the winter of 2025, for people who own a recorder and no mathematics.",
    ]),
    ("The complexity index", [
        "The acoustic complexity index adds up how much the loudness changes from one moment to the next within each band of "
        "pitch. Birds flicker, engines do not, so a road hardly moves it.",
        "Rain fools it thoroughly. A shower on a tin lid gave me the most complex morning of 2024. Throw away every minute in "
        "which the band from 12 to 16 kHz is loud throughout: no bird of these parts fills it.",
    ]),
    ("The soundscape ratio", [
        "The normalised difference soundscape index compares what lies between 1 and 2 kHz, mostly people, with what lies "
        "between 2 and 8 kHz, mostly animals. It runs from minus one to plus one.",
        "Sheep are its great enemy. They sing exactly where the formula expects cars. On the Brae Foot common the index says "
        "motorway every spring at lambing.",
    ]),
    ("What to do with three numbers", [
        "Never compare places. Compare the same place with itself, at the same hour, in the same week of the year. Then listen "
        "to the morning with the highest figure and to the one with the lowest. If you cannot hear why, the index does not know either.",
    ]),
]


def booklet() -> None:
    book = epub.EpubBook()
    book.set_identifier("echofs-fixture-acoustic-indices")
    book.set_title("Three Numbers for a Morning")
    book.set_language("en")
    book.add_author(OWNER)
    book.add_metadata("DC", "date", "2026-02-01")
    chapters = []
    for number, (title, paragraphs) in enumerate(CHAPTERS, 1):
        chapter = epub.EpubHtml(title=title, file_name=f"chapter{number}.xhtml", lang="en")
        chapter.content = f"<h1>{title}</h1>" + "".join(f"<p>{text}</p>" for text in paragraphs)
        book.add_item(chapter)
        chapters.append(chapter)
    book.toc = chapters
    book.spine = ["nav", *chapters]
    book.add_item(epub.EpubNcx())
    book.add_item(epub.EpubNav())
    path = VAULT / "work/reading/three-numbers.epub"
    epub.write_epub(str(path), book)
    settle_zip(path, "2026-02-01T00:00:00Z")


def picture() -> None:
    """A PNG of 48 by 32 pixels: a dusk sky over water, with one bat."""
    def pixel(x: int, y: int) -> bytes:
        if (x - 30) ** 2 // 9 + (y - 8) ** 2 < 3:
            return bytes((20, 20, 30))
        return bytes((240 - 5 * y, 150 - 3 * y, 90 + 2 * y)) if y < 20 else bytes((20, 40 + y, 70 + y))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"".join(pixel(x, y) for x in range(48)) for y in range(32))
    header = struct.pack(">IIBBBBB", 48, 32, 8, 2, 0, 0, 0)
    (VAULT / "media/dusk.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    )


def blob() -> None:
    """Sixteen KiB that are no text in any encoding: a fixed linear congruential sequence."""
    state, data = 20260823, bytearray()
    while len(data) < 16384:
        state = (state * 1103515245 + 12345) % 2**31
        data.append(state >> 16 & 0xFF)
    (VAULT / "media/a7-night.raw").write_bytes(bytes(data))


def main() -> None:
    for make in (heat_pump_quote, field_report, moss_summary, insurance, landowners, planting_plan, talk, invoices, booklet, picture, blob):
        make()
        print(make.__name__)


if __name__ == "__main__":
    main()
