"""Every finding has a code that does not change: what it means and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

_CODES = """
CX-E001 The file is not there.
  Mend `file:` in study.yml; the message names the nearest file in that folder.
CX-E002 A folder stands where a file is expected.
  Name the file in it.
CX-E003 The file cannot be read: the system refuses it.
  Look at its rights.
CX-E004 `file:` names an address, or a variable that is not the kit's or not set.
  Download the file first; set a variable whose name begins with `CXKIT_`.
CX-E005 The file is of a kind that is not read.
  Save it as one of the kinds that the message lists.
CX-E006 The file is empty.
  Export it again.
CX-E007 The file holds something else: a web page, an error message of an interface, a picture.
  Export it again; look at it in an editor if the name seems right.
CX-E008 The text is in another encoding than declared, or than the kit can be sure of.
  Save it as UTF-8, or declare `encoding:` in study.yml.
CX-E009 A NUL byte stands in the text: the file is damaged.
  Export it again.
CX-E010 Quotes do not close, or stand inside a field.
  A quote inside a quoted field is written twice.
CX-E011 A row has more fields than the header, or fewer.
  A separator inside a field needs quotes around it; an empty answer still has its separators.
CX-E012 Lines stand above the header.
  Take them out, or declare `skip_rows:` in study.yml.
CX-E013 Two separators fit the file as well.
  Declare the one that is meant: `delimiter: ";"`.
CX-E014 The first line is data, not a header.
  Put the names of the columns on the first line.
CX-E015 Two columns have the name that the study asks for.
  Give every column its own name.
CX-E016 The file is cut short or damaged: it is not whole.
  Export or copy it again; no row of it is used.
CX-E017 A column holds lists, bytes or lengths of time, not one plain value per row.
  Export it with one column per value; a length of time as a number of its unit.
CX-E018 A column that the study asks for is not in the file.
  Mend its name in study.yml; the message lists the columns of the file.
CX-E019 The file has a header and no rows.
  Export it again, or take the table out of study.yml.
CX-E020 A zip holds several files, none, or another one, or needs a password.
  Take the file out of the zip and name it.
CX-E021 A compressed file grows beyond every table of text.
  If it is right, unpack it yourself and name the file.
CX-E022 The file is not of the tool that `format:` names.
  Export it from the tool as CSV, or take `format:` out of study.yml.
CX-E023 Every row is one that a survey tool's rules drop: previews, tests, spam, unfinished.
  If they are what you want, declare them after `keep:` in study.yml.
CX-E024 A number like 1.234 may be a thousand or a decimal number.
  Declare `decimal: ","` or `decimal: "."` in study.yml.
CX-E031 An answer lies off its scale.
  If it is a code for "no answer", list it after `missing:`; if it is a total, take the row out.
CX-E032 No answer is the lowest of the scale and some are one above the highest: shifted codes.
  Export the answers themselves.
CX-E033 A date cannot be read in the form declared.
  Declare its form, as in `start: {column: NAME, date: "%d.%m.%Y"}`.
CX-E034 Moments of different time zones, or with and without one, stand in one column.
  Write all of them in one zone.
CX-E035 A date lies after `as_of`.
  Set `as_of` in study.yml if the data go further; leave a cell empty that means "not yet".
CX-E036 An amount is not a plain number.
  Write numbers as 1234.5: no thousands marks, no currency, a point for decimals.
CX-E037 A value is neither yes nor no.
  Declare the spellings: `{column: NAME, yes: [...], no: [...]}`.
CX-E038 Dates with the day first and dates with the month first stand in one column.
  Export the dates again, as 2025-12-31.
CX-E039 The year of a date has two digits.
  Declare the form: `date: "%d.%m.%y"`, or whichever part is the year.
CX-E040 A date is a spreadsheet's serial number or a count of seconds, perhaps of both kinds.
  Export dates as 2025-12-31.
CX-E041 A row lacks what makes it a row of its table.
  Fill it in, or take the row out.
CX-E042 A row has a single filled cell.
  If it is a note below the table, take it out.
CX-E043 Two rows have one id and different content.
  One of them is wrong, or the column is not what tells rows apart.
CX-E044 An end lies before its start.
  Mend the dates; perhaps day and month changed places.
CX-E045 A wave has no instrument under `by_wave`.
  Add it under `instrument:` in study.yml.
CX-E046 A date may have its day or its month first.
  Declare the form: `date: "%d/%m/%Y"` or `date: "%m/%d/%Y"`.
CX-E047 Ids were rounded by a spreadsheet (9.00720E+15).
  Export them as text, from where they come from.
CX-E048 A weight is missing, negative, infinite or no number.
  Fill it in, or take the row out.
CX-E049 All weights are 0.
  Export the weights again, or take `weight:` out of study.yml.
CX-E051 Not one customer of a table is in the customer table.
  The ids are of different kinds, or a spreadsheet took their zeros: export them as text.
CX-E052 Units are their own parents.
  Leave the parent of the topmost unit empty.
CX-E053 A customer left by the flag and not by the date, or the other way round.
  Mend the rows, or take `churned:` out of study.yml.
CX-E054 A scored column has no valid answer.
  Look whether the right column is named, or take it out of study.yml.
CX-E055 A column of groups has nearly as many levels as rows: it is an identifier.
  Name the column that holds the group.
CX-E056 Answers are labels that study.yml does not declare.
  Declare them: `labels: {agree: 4, ...}`; of two languages, declare both. Or mend a misspelling.
CX-E057 The last row is a total or a mean of the others.
  Take it out of the file.
CX-E058 A row repeats the header: two exports were put one below the other.
  Take those rows out of the file.
CX-E061 A table that others are read against was given as a `source:`.
  Export it and write `file:`.
CX-E062 The source is not there, or cannot be read.
  Mend `source:` in study.yml, or give the frame: `cx.open_study(path, engine={...})`.
CX-E063 A column of a source has another type than its role.
  Write it in that type when the source is made.
CX-E064 The source has no rows.
  Look at how it was made.
CX-E071 The file has several sheets or tables and none is named, or not the one that is.
  Name it: `sheet:` or `table:` in study.yml; the message lists them with their columns.
CX-E072 A cell holds an error, or a formula without a stored value.
  Mend the cell, or empty it if it means no answer; open and save a workbook made by a program.
CX-E073 Cells are merged in a column that the study asks for.
  Unmerge them and write the value into every row that it holds for.
CX-E074 A column of a sheet holds dates and texts: a spreadsheet turned only some into dates.
  Import the column anew as text: day and month may have changed places in the others.
CX-E075 A moment lies outside the calendar (years 1 to 9999).
  Mend the value where it comes from, or take the column out of study.yml.
CX-E076 `sheet:` or `table:` is declared for a file that has none.
  Take the key out of study.yml, or name another file.
CX-E090 A key or value of study.yml is not what it should be.
  Mend it; the message names its line and what to write.
CX-R001 Blank lines were passed over.
  Nothing, unless rows are missing.
CX-R002 The text was read in the encoding that its byte-order mark says.
  Nothing.
CX-R003 The text is not UTF-8 and was read as Windows-1252.
  Look at the characters that are listed; declare `encoding:` if they are wrong.
CX-R004 The fields are separated by something else than commas.
  Nothing.
CX-R005 Numbers are written with a decimal comma.
  Nothing, unless a number listed means something else; then declare `decimal:`.
CX-R006 Lines above the header were passed over.
  Nothing.
CX-R007 A column without a name that only numbers the rows was left out.
  Nothing.
CX-R008 A column without a name and without a value was left out.
  Nothing.
CX-R009 Further header rows of a survey tool were read as questions.
  Nothing; declare `format: plain` if they are answers.
CX-R010 Rows that a tool marks as preview, test, spam, unfinished, deleted or merged were dropped.
  Nothing; declare them after `keep:` in study.yml if they are wanted.
CX-R011 Spaces around values were taken off.
  Nothing.
CX-R012 Exact copies of a row with the same id were dropped.
  Nothing, unless the id is not what tells rows apart.
CX-R013 The number was taken from the label of an end of the scale (10 - very likely).
  Nothing.
CX-R014 Labels were read though their capitals or spaces differ from those declared.
  Nothing.
CX-R015 Spaces between thousands were taken out.
  Nothing.
CX-R017 Letters were composed (NFC), or characters without width taken out of words and ids.
  Nothing, unless two names that look the same were meant to differ.
CX-R018 Moments were brought to the clock of the zone declared.
  Nothing.
CX-R019 Scores given on the day of leaving or after it were left out as causes of leaving.
  Nothing: they are effects of leaving. In a strict study take them out, or leave `strict:` away.
CX-R021 Values that the file itself declares to be no answer are missing, counted by their label.
  Nothing, unless such a code is an answer.
CX-R022 Numbers kept as text in a sheet were read as numbers.
  Nothing.
CX-R023 Of several states of one case the last was kept.
  Nothing.
CX-R024 Numbers were read with the decimal mark that study.yml declares.
  Nothing.
CX-F001 Rows without an id are exact copies of others; they are kept.
  Declare an id if there is one: then copies are dropped.
CX-F002 Texts look encoded twice (ZÃ¼rich); they are kept.
  Export the file again as UTF-8.
CX-F003 A scored column of fewer than ten rows has no answer at all.
  Look whether the right column is named.
CX-F004 Rows have a score and no day of answering.
  They count in scores, not in anything over time.
CX-F005 Rows were answered before they were asked.
  Look whether the two columns changed places.
CX-F006 Rows name no customer.
  They count in scores only.
CX-F007 All moments are of one time zone other than none; days are counted there.
  Nothing, if the day of that zone is meant.
CX-F011 Rows name customers that the customer table does not have.
  They count in scores, not in retention; look whether the customer table is whole.
CX-F012 Rows name no unit.
  They count in no comparison of units.
CX-F013 Rows name units that the unit table does not have.
  Add them to the unit table.
CX-F014 Units have a parent that is not a unit of the table.
  Add the parent, or leave it empty.
CX-F016 Something lies before `observed_from`.
  Nothing, if `observed_from` is the first day that the data cover.
CX-F017 Scores of units come from different instruments.
  Nothing: they are never subtracted.
CX-F018 Rows of units have no score.
  Nothing, if it was not published.
CX-F019 Counts of people are there although declared as not published, or a wave is not there.
  Mend `counts:` or `waves:` in study.yml.
CX-F020 A source was not narrowed by `where`: it does not know the column.
  Give the source that column, or choose by unit.
CX-F021 Which answers are unfinished cannot be told: the export is in another language.
  Export numbers instead of choice texts.
CX-F022 A column of lists, bytes or lengths of time was left out.
  Nothing, unless it is wanted; then export one column per value.
CX-F023 A name stands twice in the header, over columns that the study does not ask for.
  Nothing, unless one of them is wanted; then give it its own name.
CX-F024 All answers to a question are the same.
  Nothing: what needs differences is not given.
CX-F025 All rows are of one group.
  Nothing: there is nothing to compare.
CX-F026 Nobody gave the lowest answer of a scale that is not declared.
  Declare `scale:`; a 1-10 scale is not a 0-10 scale.
CX-F027 Effort gets better as satisfaction gets worse, beyond chance.
  Look at the question: the direction follows from `version:`.
CX-F028 Weights leave an effective n of less than half of the rows.
  Trim or rake the weights again; quote the effective n.
CX-F029 Ids end in .0.
  Export ids as text: 123.0 and 123 are two ids.
CX-F030 Moments happened twice, or never, as the clock of the zone was moved.
  Nothing, unless hours matter: then export them with their zone.
CX-F031 Fewer than ten customers left.
  Wait for more, or widen the table: no model of leaving can be fitted.
CX-F033 All employees of a unit gave the same answer: its mean would tell what each said.
  Nothing: such a unit is never drawn, however large it is.
CX-F034 A unit's respondents are nearly those of the wave before: two means tell what few said.
  Nothing: such a unit is not drawn in a report of one wave.
CX-F041 Rows of a sheet are hidden, by a filter or by hand; they are read.
  Take them out of the sheet if they are not to count.
CX-F042 Numbers have more digits than a workbook keeps; the last ones are lost.
  Export ids as text.
CX-F043 Two codes have one label; the code is written beside it.
  Mend the labels where they come from, if they mean the same.
CX-F044 Codes were read as the words that the file has for them.
  Nothing.
CX-F045 In a portable SPSS file, values declared to be no answer are missing but not counted.
  Save it as sav, which tells them by code.
CX-F046 Some records have not the key asked for; the value is missing there.
  Nothing, if the tool leaves out what is empty.
CX-F047 When a case was solved, or by whom, was read from what stands nearest to it.
  Export the metric sets with the tickets, or name a tag: `auto_closed: "tag:NAME"`.
CX-F048 Something about cases cannot be told from this export.
  Export the metric sets with the tickets, or take the column out of study.yml.
CX-F049 A database was in use when it was copied; rows in its -wal file are not read.
  Close the program that writes to it, and copy it again.
CX-F050 A table has a single row.
  Look whether the export is whole; from one row nothing can be told of others.
CX-F051 A quoted field holds lines that look like rows.
  Look at the field; a quote that closes too late takes in the rows below it.
CX-F052 A day is one that programs write for "no date" (1900-01-01, 1970-01-01).
  Empty the cell if it means no date.
"""

#: Repairs that somebody declared, in the file or in study.yml: a strict study takes them too.
DECLARED = frozenset({"CX-R018", "CX-R021", "CX-R024"})

_KINDS: dict[str, Literal["refuse", "repair", "flag"]] = {
    "E": "refuse",
    "R": "repair",
    "F": "flag",
}


@dataclass(frozen=True, slots=True)
class Code:
    """What a code means: its kind, the cause and the mend."""

    kind: Literal["refuse", "repair", "flag"]
    cause: str
    mend: str


def _read(text: str) -> dict[str, Code]:
    """Read the pairs of lines above: code and cause, then the mend."""
    lines = text.strip().splitlines()
    codes = {}
    for first, second in zip(lines[::2], lines[1::2], strict=True):
        code, cause = first.split(" ", 1)
        codes[code] = Code(_KINDS[code[3]], cause, second.strip())
    return codes


#: Code -> kind, cause, mend; docs/findings.md is made from it.
CODES = _read(_CODES)
