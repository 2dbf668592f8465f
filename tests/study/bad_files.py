"""Malformed exports, made anew: what is wrong with each, what must come of it, and a study for it.

The entries have the numbers of the shared manifest; where CXKIT_SHARED is set the same tests run on
its files, which were made by others.
"""

from __future__ import annotations

import datetime as dt
import gzip
import io
import tempfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Kind = Literal["error", "repair", "flag", "ok"]

HEADER = "response_id,customer_id,recorded_at,segment,nps,csat,ces,comment"
SEGMENTS = ("Retail", "SMB", "Enterprise")

#: Eleven promoters, eight detractors and five others: NPS 3 / 24 = 12.5. The first six, which some
#: files spoil, are two of each; without them it is 3 / 18.
NPS = (5, 7, 9, 3, 8, 10, 9, 0, 0, 9, 10, 9, 8, 2, 10, 6, 9, 10, 7, 4, 9, 1, 7, 9)
CSAT = (4, 1, 4, 4, 5, 3, 1, 2, 4, 1, 4, 2, 3, 5, 2, 1, 4, 2, 3, 1, 2, 3, 4, 1)  # the mean is 2.75
CES = (7, 4, 7, 1, 7, 6, 3, 6, 6, 5, 5, 6, 1, 7, 2, 4, 6, 3, 5, 1, 7, 5, 6, 3)
COMMENTS = ("ok", "", "fast and friendly", '"app crashes, often"')


def day(row: int) -> str:
    """The moment of a row: seven hours after the one before, from 5 January 2026."""
    hours = 9 + 7 * row
    return f"2026-01-{5 + hours // 24:02d} {hours % 24:02d}:00:00"


def rows(n: int = 24, **columns: Callable[[int], object]) -> list[str]:
    """The sound rows, or with columns of one's own."""
    made = []
    for i in range(n):
        cells = {
            "response_id": f"R_{i:04d}",
            "customer_id": f"C{i % 18:05d}",
            "recorded_at": day(i),
            "segment": SEGMENTS[i % 3],
            "nps": NPS[i],
            "csat": CSAT[i],
            "ces": CES[i],
            "comment": COMMENTS[i % 4],
        }
        cells |= {name: make(i) for name, make in columns.items()}
        made.append(",".join(str(cell) for cell in cells.values()))
    return made


def survey(*, extra: tuple[str, ...] = (), **columns: Callable[[int], object]) -> bytes:
    """A survey of 24 answers as CSV."""
    return lines(HEADER, *rows(**columns), *extra)


def lines(*given: str, end: str = "\n") -> bytes:
    """Lines as the bytes of a file."""
    return (end.join(given) + end).encode()


def crm(n: int = 18, **columns: Callable[[int], object]) -> bytes:
    """A customer table; every fourth has left."""
    made = ["customer_id,since,churned_at,churned,revenue"]
    for i in range(n):
        left = i % 4 == 0
        cells = {
            "customer_id": f"C{i:05d}",
            "since": "2025-06-01",
            "churned_at": "2026-02-10" if left else "",
            "churned": int(left),
            "revenue": 100 + i,
        }
        cells |= {name: make(i) for name, make in columns.items()}
        made.append(",".join(str(cell) for cell in cells.values()))
    return lines(*made)


SURVEY = """\
responses:
  file: "{file}"
  response: response_id
  customer: customer_id
  answered_on: recorded_at
  touchpoint: segment
  nps: {{column: nps, scale: [0, 10]}}
  csat: {{column: csat, scale: [1, 5], top: 4}}
  ces: {{column: ces, version: "2.0"}}
  comment: comment
"""
SMALL = """\
responses:
  file: "{file}"
  response: response_id
  nps: {{column: nps, scale: [0, 10]}}
"""
WEIGHTED = SMALL + "  weight: weight\n"
QUALTRICS = """\
responses:
  file: "{file}"
  response: ResponseId
  answered_on: RecordedDate
  nps: {{column: Q1, scale: [0, 10]}}
  comment: Q2
"""
CRM = """\
customers:
  file: "{file}"
  customer: customer_id
  start: since
  end: churned_at
  churned: churned
  value: {{column: revenue, unit: EUR}}
"""
AMOUNTS = """\
responses:
  file: "{file}"
  response: customer_id
  weight: {{column: revenue, unit: EUR}}
"""
EMPLOYEES = """\
engagement:
  file: "{file}"
  respondent: employee_id
  unit: unit
  wave: {wave}
  items: {{engaged: {{column: engagement, scale: [1, 5], group: engaged}}}}
"""
ONE_WAVE = EMPLOYEES.replace("{wave}", "{{value: 2025Q4}}")
LIKERT = (
    "{{column: csat, scale: [1, 5], top: 4, labels: {{Strongly disagree: 1, Disagree: 2, "
    "Neither agree nor disagree: 3, Agree: 4, Strongly agree: 5}}}}"
)
HALVES = "{{column: csat, scale: [1, 6], whole: false, top: 4}}"
NPS_LINE = "{{column: nps, scale: [0, 10]}}"
CSAT_LINE = "{{column: csat, scale: [1, 5], top: 4}}"


@dataclass(frozen=True)
class Bad:
    """One malformed file: its content, a study that asks for it, and what must come of it.

    ``codes`` are those that must be among the findings; ``told`` the words its messages must hold,
    which are what ``message_must_name`` of the manifest asks for. ``beside`` are other files of the
    study.
    """

    id: str
    file: str
    kind: Kind
    content: bytes | None
    codes: tuple[str, ...]
    told: tuple[str, ...]
    study: str = SURVEY
    truth: dict[str, object] = field(default_factory=dict)
    beside: dict[str, bytes] = field(default_factory=dict)

    def write(self, folder: Path, source: Path | None = None) -> Path:
        """Write the study into a folder; ``source`` is the file itself, made by others."""
        path = folder / self.file
        if self.content is None:
            if self.id == "B128":
                path.mkdir()
        elif source is None:
            path.write_bytes(self.content)
        else:
            path.write_bytes(source.read_bytes())
        for name, content in self.beside.items():
            (folder / name).write_bytes(content)
        text = f"study: {self.id}\nas_of: 2026-12-31\n" + self.study.format(file=self.file)
        (folder / "study.yml").write_text(text, encoding="utf-8")
        return folder / "study.yml"


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    """A text with parts of it exchanged; each must be there."""
    for old, new in pairs:
        if old not in text:
            raise ValueError(f"{old!r} is not there")
        text = text.replace(old, new)
    return text


def first_six(*cells: object) -> Callable[[int], object]:
    """The scores, the first of them replaced."""
    return lambda i: cells[i] if i < len(cells) else NPS[i]


def parquet(columns: dict[str, list[object]]) -> bytes:
    """A Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    return stream.getvalue()


def employees(*units: tuple[str, int, Callable[[int], int]]) -> bytes:
    """Employees of units: name, how many, and what each answered."""
    made = ["employee_id,unit,tenure_band,engagement"]
    for unit, n, answer in units:
        for i in range(n):
            made.append(f"E{len(made):04d},{unit},{('<1y', '1-5y', '>5y')[i % 3]},{answer(i)}")
    return lines(*made)


def varied(i: int) -> int:
    """An answer on 1 to 5."""
    return (3, 5, 2, 4, 1)[i % 5]


def qualtrics(*scores: object, header_rows: int = 3) -> bytes:
    """An export of Qualtrics."""
    names = (
        "StartDate,EndDate,Status,IPAddress,Progress,Duration (in seconds),Finished,RecordedDate,"
        "ResponseId,DistributionChannel,Q1_NPS_GROUP,Q1,Q2"
    )
    asked = (
        "Start Date,End Date,Response Type,IP Address,Progress,Duration (in seconds),Finished,"
        "Recorded Date,Response ID,Distribution Channel,How likely - Group,"
        "How likely are you to recommend us?,Why?"
    )
    ids = ",".join(f'"{{""ImportId"":""{name}""}}"' for name in names.split(","))
    made = [names, asked, ids][:header_rows]
    for i, score in enumerate(scores):
        at = f"2026-01-{i % 9 + 1:02d} 08:0"
        made.append(
            f"{at}0:00,{at}3:00,IP Address,192.0.2.1,100,180,True,{at}3:01,R_{i},email,,{score},ok"
        )
    return lines(*made)


def grid(scores: dict[int, str] | None = None) -> list[list[object]]:
    """The sound survey as cells; some scores replaced, by the row of the sheet less one."""
    made: list[list[object]] = [list(HEADER.split(","))]
    for i, row in enumerate(rows(comment=lambda _: "ok")):
        cells: list[object] = list(row.split(","))
        cells[4:7] = [NPS[i], CSAT[i], CES[i]]
        made.append(cells)
    for at, score in (scores or {}).items():
        made[at][4] = score
    return made


def workbook(
    sheets: dict[str, list[list[object]]],
    *,
    hidden: str = "",
    hidden_rows: Iterable[int] = (),
    from_1904: bool = False,
) -> bytes:
    """An Excel workbook."""
    import openpyxl
    from openpyxl.utils.datetime import CALENDAR_MAC_1904

    work = openpyxl.Workbook()
    work.remove(work.active)
    if from_1904:
        work.epoch = CALENDAR_MAC_1904
    for name, cells in sheets.items():
        sheet = work.create_sheet(name)
        for row in cells:
            sheet.append(row)
        for at in hidden_rows:
            sheet.row_dimensions[at].hidden = True
        if name == hidden:
            sheet.sheet_state = "hidden"
    stream = io.BytesIO()
    work.save(stream)
    return stream.getvalue()


def spss(*scores: int) -> bytes:
    """An SPSS file in which 98 and 99 are declared to be no answer."""
    import pandas as pd
    import pyreadstat

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.sav"
        frame = pd.DataFrame({"id": range(1, len(scores) + 1), "nps": scores})
        pyreadstat.write_sav(
            frame.astype("float64"),
            path,
            variable_value_labels={"nps": {98: "Don't know", 99: "Refused"}},
            missing_ranges={"nps": [{"lo": 98, "hi": 99}]},
        )
        return path.read_bytes()


#: Five promoters, three detractors, two others and two without an answer.
SPSS_NPS = (9, 10, 99, 3, 7, 98, 6, 9, 8, 0, 10, 9)

#: Four promoters, four detractors, four others.
TWELVE = (10, 9, 8, 7, 6, 5, 10, 9, 8, 6, 3, 7)

SOUND = survey()
GZ = gzip.compress(SOUND, mtime=0)
DE = dict(zip(range(1, 6), ("Stimme überhaupt nicht zu", "Stimme eher nicht zu", '"Teils, teils"',
                            "Stimme eher zu", "Stimme voll zu"), strict=True))  # fmt: skip
EN = dict(zip(range(1, 6), ("Strongly disagree", "Disagree", "Neither agree nor disagree", "Agree",
                            "Strongly agree"), strict=True))  # fmt: skip
SPELLINGS = ("Yes", "no", "TRUE", 0, "J", "N", "wahr", "", "churned")
MOMENTS = ("2026-01-05T09:00:00Z", "2026-01-05T10:00:00+01:00", "2026-01-05 09:00:00",
           "2026-01-05 09:00 CET")  # fmt: skip
WHOLE = {"rows": 24, "nps": 12.5}


def _wide_gap() -> bytes:
    """Effort asked the other way round: hard where satisfied, over sixty answers."""
    made = [HEADER]
    for i in range(60):
        happy = i % 5 + 1
        made.append(f"R_{i:04d},C{i:05d},{day(i % 60)},{SEGMENTS[i % 3]},{NPS[i % 24]},{happy},"
                    f"{7 - happy},ok")  # fmt: skip
    return lines(*made)


BAD = (
    Bad("B001", "enc_utf16_bom.csv", "repair", SOUND.decode().encode("utf-16"), ("CX-R002",),
        ("enc_utf16_bom.csv", "encoding is UTF-16"), truth=WHOLE),
    Bad("B002", "enc_utf16be_nobom.csv", "error", SOUND.decode().encode("utf-16-be"), ("CX-E008",),
        ("enc_utf16be_nobom.csv", "encoding: utf-16")),
    Bad("B004", "enc_utf8_bom_quoted_header.csv", "ok",
        b"\xef\xbb\xbf" + SOUND.replace(HEADER.encode(),
                                        '"{}"'.format('","'.join(HEADER.split(","))).encode()),
        (), (), truth=WHOLE),
    Bad("B006", "enc_mojibake.csv", "flag",
        survey(segment=lambda i: "Zürich".encode().decode("cp1252") if i == 1 else SEGMENTS[i % 3]),
        ("CX-F002",), ("column segment", "line 3")),
    Bad("B007", "sep_semicolon_decimal_comma.csv", "repair",
        lines(HEADER.replace(",", ";"),
              *(f"R_{i:04d};C{i:05d};{day(i)};{SEGMENTS[i % 3]};{NPS[i]};{CSAT[i]},5;{CES[i]};ok"
                for i in range(24))),
        ("CX-R004", "CX-R005"), ("separator is ';'", "decimal mark is ','"),
        study=replaced(SURVEY, (CSAT_LINE, HALVES)),
        truth={**WHOLE, "csat_mean": 3.25}),
    Bad("B009", "sep_excel_sepline.csv", "repair",
        b"sep=;\n" + lines(*(line.replace('"app crashes, often"', "slow").replace(",", ";")
                             for line in (HEADER, *rows()))),
        ("CX-R004",), ("separator is ';'",), truth=WHOLE),
    Bad("B010", "sep_thousands_space.csv", "repair",
        lines("customer_id;revenue", "a;1 234,50", "b;12\u00a0345,00", "c;1\u202f000,10"),
        ("CX-R005",), ("column revenue", "1 234,50"), study=AMOUNTS,
        truth={"revenue": [1234.5, 12345.0, 1000.1]}),
    Bad("B011", "sep_thousands_ambiguous.csv", "error",
        lines("customer_id;revenue", "a;1.234", "b;2.500", "c;12.000"), ("CX-E024",),
        ("column revenue", "1.234", "decimal:"), study=AMOUNTS),
    Bad("B014", "rows_too_many_fields.csv", "error",
        survey(extra=("R_9001,C00001,2026-02-01 10:00:00,Retail,9,5,6,great, but, commas",)),
        ("CX-E011",), ("rows_too_many_fields.csv line 26", "10 fields, the header has 8")),
    Bad("B015", "rows_too_few_fields.csv", "error",
        survey(extra=("R_9002,C00001,2026-02-01 10:00:00",)), ("CX-E011",),
        ("rows_too_few_fields.csv line 26", "3 fields, the header has 8")),
    Bad("B017", "bytes_nul.csv", "error", SOUND.replace(b"Retail", b"Ret\0ail", 1), ("CX-E009",),
        ("bytes_nul.csv line 2", "NUL")),
    Bad("B018", "eol_cr_only.csv", "ok", SOUND.replace(b"\n", b"\r"), (), (), truth=WHOLE),
    Bad("B021", "cut_truncated.csv.gz", "error", GZ[: len(GZ) // 2], ("CX-E016",),
        ("cut_truncated.csv.gz", "ends early")),
    Bad("B022", "corrupt_crc.csv.gz", "error",
        GZ[:-8] + zlib.crc32(b"other").to_bytes(4, "little") + GZ[-4:], ("CX-E016",),
        ("corrupt_crc.csv.gz", "checksum")),
    Bad("B025", "ext_json_error.csv", "error", b'{"meta":{"httpStatus":"401 - Unauthorized"}}\n',
        ("CX-E007",), ("ext_json_error.csv", "JSON")),
    Bad("B027", "empty_header_only.csv", "error", lines(HEADER), ("CX-E019",),
        ("empty_header_only.csv", "no rows")),
    Bad("B028", "empty_whitespace.csv", "error", b"\n  \n\n", ("CX-E006",),
        ("empty_whitespace.csv", "empty")),
    Bad("B030", "one_unit.csv", "flag", survey(segment=lambda _: "Retail"), ("CX-F025",),
        ("column segment", "one group"), truth=WHOLE),
    Bad("B032", "head_unnamed_index.csv", "repair",
        lines("," + HEADER, *(f"{i},{row}" for i, row in enumerate(rows()))), ("CX-R007",),
        ("column 1 has no name",), truth=WHOLE),
    Bad("B034", "head_missing.csv", "error", lines(*rows()), ("CX-E014",),
        ("head_missing.csv", "columns asked for", "nps")),
    Bad("B036", "head_preamble_lines.csv", "repair",
        b"Survey: Relationship 2026\nExported 2026-02-01 by bot\n\n" + SOUND, ("CX-R006",),
        ("head_preamble_lines.csv", "header is line 4"), truth=WHOLE),
    Bad("B037", "foot_total_row.csv", "error", survey(extra=("Total,,,,172,81,99,",)),
        ("CX-E031",), ("line 26", "column nps", "172 is not", "total")),
    Bad("B038", "foot_excel_note.csv", "error",
        survey(extra=("", '"Filter applied: Region = EMEA",,,,,,,')), ("CX-E042",),
        ("line 27", "only one cell is filled")),
    Bad("B043", "text_html_injection.csv", "ok",
        survey(segment=lambda i: "<img src=x onerror=alert(1)>" if i == 0 else SEGMENTS[i % 3],
               comment=lambda i: "</script><script>alert(1)</script>" if i == 1 else "ok"),
        (), (), truth={"segment0": "<img src=x onerror=alert(1)>"}),
    Bad("B044", "text_emoji_rtl_nfd.csv", "repair",
        survey(segment=lambda i: {2: "Cafe\u0301", 3: "Café", 4: "Retail\u200b"}.get(
                   i, SEGMENTS[i % 3]),
               comment=lambda i: "\U0001f468\u200d\U0001f469 \u202egnp.exe" if i == 0 else "ok"),
        ("CX-R017",), ("column segment", "2 values")),
    Bad("B045", "text_long_field.csv", "ok",
        survey(comment=lambda i: "x" * 200_000 if i == 5 else "ok"), (), (), truth=WHOLE),
    Bad("B048", "many_levels_100k.csv.gz", "error",
        gzip.compress(lines("response_id,segment,nps",
                            *(f"{i},S{i},{i % 11}" for i in range(100_000))), 1, mtime=0),
        ("CX-E055",), ("column segment", "100,000 levels"),
        study=SMALL + "  touchpoint: segment\n"),
    Bad("B049", "qualtrics_3row_header.csv", "repair", qualtrics(*TWELVE), ("CX-R009",),
        ("rows", "Qualtrics"), study=QUALTRICS, truth={"rows": 12, "nps": 0.0}),
    Bad("B051", "qualtrics_legacy_2row.csv", "repair", qualtrics(*TWELVE, header_rows=2),
        ("CX-R009",), ("row", "Qualtrics"), study=QUALTRICS, truth={"rows": 12}),
    Bad("B052", "qualtrics_choice_text.csv", "repair",
        qualtrics(*("10 - Extremely likely" if s == 10 else s for s in TWELVE),
                  "0 - Not at all likely", "10 - Extremely likely"),
        ("CX-R013",), ("column Q1", "4 values"), study=QUALTRICS, truth={"rows": 14, "nps": 0.0}),
    Bad("B055", "nps_out_of_range.csv", "error", survey(nps=first_six(11, -1, 7.5)), ("CX-E031",),
        ("line 2", "column nps", "11, -1, 7.5", "0 to 10")),
    Bad("B056", "nps_end_labels.csv", "repair",
        survey(nps=lambda i: {0: "0 - Not at all likely", 10: "10 - Extremely likely"}.get(
            NPS[i], NPS[i])),
        ("CX-R013",), ("column nps", "values"), truth=WHOLE),
    Bad("B057", "nps_recoded_1_11.csv", "error", survey(nps=lambda i: NPS[i] + 1), ("CX-E032",),
        ("column nps", "11 is not", "labels: {1: 0, 2: 1")),
    Bad("B058", "nps_no_zero_1_10.csv", "flag", survey(nps=lambda i: max(NPS[i], 1)), ("CX-F026",),
        ("column nps", "scale"), study=replaced(SURVEY, (NPS_LINE, "nps"))),
    Bad("B060", "miss_codes_99.csv", "error", survey(nps=first_six(99, -99, 98, "", 999, -1)),
        ("CX-E031",), ("line 2", "column nps", "99, -99, 98", "missing: [99, -99")),
    Bad("B062", "miss_segment_NA_namibia.csv", "ok",
        survey(segment=lambda i: ("NA", "None", "nan")[i] if i < 3 else SEGMENTS[i % 3]),
        (), (), truth={"segment0": "NA"}),
    Bad("B064", "likert_mixed_language.csv", "error",
        survey(csat=lambda i: (EN if i % 2 == 0 else DE)[CSAT[i]]), ("CX-E056",),
        ("column csat", "Stimme", "labels:"), study=replaced(SURVEY, (CSAT_LINE, LIKERT))),
    Bad("B065", "likert_typo_case.csv", "error",
        survey(csat=lambda i: "Strongly disagre" if i == 7 else
               (EN[CSAT[i]].upper() if i % 3 == 0 else EN[CSAT[i]] + " ")),
        ("CX-E056", "CX-R011", "CX-R014"),
        ("line 9", "column csat", "'Strongly disagre' is near 'Strongly disagree'"),
        study=replaced(SURVEY, (CSAT_LINE, LIKERT))),
    Bad("B067", "ces_reversed.csv", "flag", _wide_gap(), ("CX-F027",),
        ("column ces", "direction")),
    Bad("B069", "score_constant.csv", "flag", survey(nps=lambda _: 9), ("CX-F024",),
        ("column nps", "all 24 answers are 9"), truth={"nps": 100.0}),
    Bad("B070", "score_all_missing.csv", "error", survey(nps=lambda _: ""), ("CX-E054",),
        ("column nps", "0 valid answers in 24 rows")),
    Bad("B073", "date_mixed_orders.csv", "error",
        survey(recorded_at=lambda i: ("02/14/2026", "13/02/2026")[i % 2]), ("CX-E038",),
        ("column recorded_at", "02/14/2026 (line 2)", "13/02/2026 (line 3)")),
    Bad("B074", "date_timezones_mixed.csv", "error", survey(recorded_at=lambda i: MOMENTS[i % 4]),
        ("CX-E034",), ("line 2", "column recorded_at", "2026-01-05T09:00:00Z", "CET", "zone:")),
    Bad("B075", "date_dst_fold.csv", "flag",
        survey(recorded_at=lambda i: ("2025-10-26 02:30:00", "2026-03-29 02:30:00")[i % 2]),
        ("CX-F030",), ("column recorded_at", "12 moments happened twice", "12 never did"),
        study=replaced(SURVEY, ("recorded_at\n",
                                "{{column: recorded_at, zone: Europe/Berlin}}\n"))),
    Bad("B077", "date_epoch_units.csv", "error",
        survey(recorded_at=lambda i: (1767603600 + i) * (1, 1000)[i % 2 == 0]), ("CX-E040",),
        ("column recorded_at", "1767603600000", "two magnitudes")),
    Bad("B079", "date_future.csv", "error",
        survey(recorded_at=lambda i: "2099-01-01 00:00:00" if i == 5 else day(i)), ("CX-E035",),
        ("line 7", "column recorded_at", "2099-01-01 00:00:00 lies after as_of")),
    Bad("B080", "date_two_digit_year.csv", "error",
        survey(recorded_at=lambda i: f"05-01-{24 + i % 3}"), ("CX-E039",),
        ("column recorded_at", "05-01-24", "date: ")),
    Bad("B081", "date_end_before_start.csv", "flag",
        lines("response_id,customer_id,started_at,recorded_at,nps",
              "R1,C1,2026-01-05 10:00:00,2026-01-05 09:58:00,9",
              "R2,C2,2026-01-05 10:00:00,2026-01-05 10:03:00,8"),
        ("CX-F005",), ("line 2", "column recorded_at", "2026-01-05 09:58 against 2026-01-05 10:00"),
        study=SMALL + "  asked_on: started_at\n  answered_on: recorded_at\n"),
    Bad("B085", "crm_id_leading_zeros.csv", "error", crm(customer_id=lambda i: i), ("CX-E051",),
        ("column customer_id", "C00000, C00001, C00002", "0, 1, 2"),
        study=CRM + SURVEY.replace("{file}", "sound.csv"), beside={"sound.csv": SOUND}),
    Bad("B087", "crm_id_float_and_big.csv", "repair",
        lines("customer_id,since,churned_at,churned,revenue", "9007199254740993,2025-06-01,,0,1",
              "9007199254740992,2025-06-01,,0,1", "123.0,2025-06-01,,0,1", "123,2025-06-01,,0,1",
              " 123 ,2025-06-01,,0,1"),
        ("CX-R011", "CX-R012", "CX-F029"), ("column customer_id", "123.0"), study=CRM,
        truth={"id0": "9007199254740993"}),
    Bad("B088", "crm_churn_before_survey.csv", "repair",
        crm(churned_at=lambda i: "2025-12-31" if i == 0 else "2026-02-10" if i % 4 == 0 else ""),
        ("CX-R019",), ("of 24 scored answers",),
        study=CRM + SURVEY.replace("{file}", "sound.csv"), beside={"sound.csv": SOUND}),
    Bad("B089", "crm_churned_flag_vs_date.csv", "error",
        crm(churned_at=lambda i: "2026-02-10" if i in (0, 1, 4, 8, 12, 16) else "",
            churned=lambda i: int(i in (0, 2, 4, 8, 12, 16))),
        ("CX-E053",), ("line 3", "column churned", "2 rows"), study=CRM),
    Bad("B090", "crm_bool_spellings.csv", "error", crm(churned=lambda i: SPELLINGS[i % 9]),
        ("CX-E037",), ("line 6", "column churned", "J, N, wahr"), study=CRM),
    Bad("B091", "crm_zero_churners.csv", "flag",
        crm(churned_at=lambda _: "", churned=lambda _: 0), ("CX-F031",),
        ("0 of 18 customers left (events)", "no model of leaving"), study=CRM),
    Bad("B093", "crm_one_event.csv", "flag",
        crm(churned_at=lambda i: "2026-02-10" if i == 7 else "", churned=lambda i: int(i == 7)),
        ("CX-F031",), ("1 of 18 customers left (events)",), study=CRM),
    Bad("B094", "crm_perfect_separation.csv", "flag",
        lines("customer_id,nps,churned",
              *(f"C{score:05d},{score},{int(score <= 6)}" for score in range(11)
                for _ in range(3))),
        ("CX-F001",), (),
        study='responses:\n  file: "{file}"\n  customer: customer_id\n  nps: nps\n'
              "  review: churned\n"),
    Bad("B097", "crm_mixed_types.csv", "error",
        crm(revenue=lambda i: ('"1,234.50"', "12%", "€5", "(100)", "1e3", 7)[i % 6]),
        ("CX-E036",), ("line 2", "column revenue", "1,234.50, 12%, €5", "a percent sign"),
        study=CRM),
    Bad("B099", "weights_nan.csv", "error",
        lines("response_id,nps,weight", "R0,0,1", "R1,1,", "R2,2,1", "R3,3,", "R4,4,2"),
        ("CX-E048",), ("line 3", "column weight", "2 of 5 rows"), study=WEIGHTED),
    Bad("B100", "weights_zero_sum.csv", "error",
        lines("response_id,nps,weight", *(f"R{i},{i},0" for i in range(5))), ("CX-E049",),
        ("column weight", "sum to 0"), study=WEIGHTED),
    Bad("B101", "weights_extreme.csv", "flag",
        lines("response_id,nps,weight",
              *(f"R{i},{i % 11},{99_999 if i == 29 else 1}" for i in range(30))),
        ("CX-F028",), ("column weight", "effective n of 1.0"), study=WEIGHTED),
    Bad("B104", "emp_small_units.csv", "flag",
        employees(("Store A", 12, varied), ("Store B", 3, varied), ("Store C", 14, varied),
                  ("Store D", 25, varied)),
        (), (), study=ONE_WAVE, truth={"primary": ["Store B"], "secondary": ["Store A"]}),
    Bad("B105", "emp_unanimous.csv", "flag",
        employees(("Store A", 12, lambda _: 1), ("Store C", 14, varied)), ("CX-F033",),
        ("unanimity rule", "1 unit"), study=ONE_WAVE),
    Bad("B108", "emp_wave_churn.csv", "flag",
        lines("wave,employee_id,unit,engagement",
              *(f"2025Q4,E{i:03d},Store A,{i % 5 + 1}" for i in range(11)),
              *(f"2026Q1,E{i:03d},Store A,{i % 5 + 1}" for i in range(10))),
        ("CX-F034",), ("differencing rule", "1 unit"),
        study=EMPLOYEES.replace("{wave}", "wave")),
    Bad("B109", "emp_org_cycle.csv", "error", lines("unit,parent", "A,B", "B,C", "C,A", "D,"),
        ("CX-E052",), ("A → B → C → A",),
        study='units:\n  file: "{file}"\n  unit: unit\n  parent: parent\n'),
    Bad("B112", "xlsx_second_sheet.xlsx", "error",
        workbook({"Cover": [["Read me"]], "Data": grid(), "Old": grid()}, hidden="Old"),
        ("CX-E071",), ("Cover (Read me)", "Data (response_id", "sheet: Data")),
    Bad("B113", "xlsx_error_and_formula_cells.xlsx", "error",
        workbook({"Sheet": grid({2: "#N/A", 3: "#DIV/0!", 4: "=SUM(F2:G2)", 5: "8"})}),
        ("CX-E072",), ("sheet 'Sheet'", "cell E3 holds #N/A", "E4 holds #DIV/0!", "E5 a formula")),
    Bad("B114", "xlsx_1904_dates.xlsx", "ok",
        workbook({"Sheet": [["response_id", "recorded_at", "nps"],
                            ["R1", dt.datetime.fromisoformat("2026-01-05"), 9]]},
                 from_1904=True),
        ("CX-F050",), (),  # it is sound, and has a single row
        study=SMALL + "  answered_on: recorded_at\n", truth={"recorded_at": "2026-01-05"}),
    Bad("B115", "xlsx_filtered_rows.xlsx", "flag",
        workbook({"Sheet": grid()}, hidden_rows=range(5, 15)), ("CX-F041",),
        ("sheet 'Sheet'", "10 rows are hidden", "all 24 are read"), truth=WHOLE),
    Bad("B117", "cut_truncated.xlsx", "error", workbook({"Sheet": grid()})[:3000], ("CX-E016",),
        ("cut_truncated.xlsx", "not a whole zip")),
    Bad("B119", "spss_user_missing.sav", "repair", spss(*SPSS_NPS), ("CX-R021",),
        ("column nps", "2 values are missing", "Refused (99) 1, Don't know (98) 1"),
        study=SMALL.replace("response_id", "id"), truth={"rows": 12, "nps": 20.0}),
    Bad("B121", "cut_truncated.sav", "error", spss(*SPSS_NPS)[:-20], ("CX-E016",),
        ("cut_truncated.sav", "not a whole file"), study=SMALL.replace("response_id", "id")),
    Bad("B122", "cut_truncated.parquet", "error", parquet({"nps": list(NPS)})[:-40], ("CX-E016",),
        ("cut_truncated.parquet", "whole Parquet")),
    Bad("B123", "parquet_nested_list.parquet", "flag",
        parquet({"response_id": ["R1", "R2"], "nps": [9, 8],
                 "topics": [["price", "app"], ["app"]]}),
        ("CX-F022",), ("topics",), study=SMALL),
    Bad("B126", "yaml_evil_params.yaml", "error",
        b'segment: !!python/object/apply:os.system ["echo pwned"]\n', ("CX-E090",),
        ("yaml_evil_params.yaml line 1", "tag")),
    Bad("B128", "dir named data.csv", "error", None, ("CX-E002",),
        ("dir named data.csv", "folder")),
    Bad("B129", "export[1].csv", "ok", SOUND, (), (), truth=WHOLE,
        beside={"export1.csv": lines(HEADER, *rows(2))}),
    Bad("B131", "does_not_exist.csv", "error", None, ("CX-E001",),
        ("does_not_exist.csv", "no such file", "does_not_exist_.csv"),
        beside={"does_not_exist_.csv": SOUND}),
)  # fmt: skip
