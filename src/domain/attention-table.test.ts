import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseClockRange, type ClockRange } from "./active-hours.ts";
import { floorVerdict, nextDigest, route, ruleVerdict } from "./attention.ts";
import { changeIsNews, endIsNews, noNews } from "./diff.ts";
import { parseDuration } from "./duration.ts";
import { severities, verdicts, type Finding, type FindingState, type Severity } from "./finding.ts";
import { nextReminder, routeReminder, stillOpenAt } from "./reminder.ts";
import { ownersWord, repeatOf, untold, type Telling, type TellingHistory } from "./telling.ts";
import { formatDateTime, formatTimeOfDay, instantOfWallClock } from "./zoned-time.ts";

/**
 * When the owner is told: every rule as a case. The same tables stand in docs/notifications.md;
 * `UPDATE_DOCS=1` writes them there.
 *
 * - trouble: its severity, and what happened to it. "still open" is time alone.
 * - verdict: of the rules, or of the model; "after mail" is a run that has read strangers' text.
 * - today: the interruptions that the day has had, of how many.
 * - before: what the owner was told of it and has said about it.
 */
const tables = `
#### What each severity comes to

| trouble         | verdict | when                           | quiet       | digest | today  | before               | then             | why                                   |
| --------------- | ------- | ------------------------------ | ----------- | ------ | ------ | -------------------- | ---------------- | ------------------------------------- |
| critical opened | rules   | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 0 of 8 | –                    | now              | critical: told at once                |
| warning opened  | rules   | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 0 of 8 | –                    | now              | warning: told at once                 |
| notice opened   | rules   | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 0 of 8 | –                    | digest Wed 08:30 | notice: waits for the digest at 08:30 |
| info opened     | rules   | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 0 of 8 | –                    | log              | info: kept in the log                 |
| critical over   | rules   | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 0 of 8 | told 2h ago          | now              | over, and you were told that it began |
| warning over    | rules   | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 0 of 8 | told 2h ago          | now              | over, and you were told that it began |
| warning over    | rules   | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 0 of 8 | in the digest 2h ago | now              | over; warning: told at once           |
| notice over     | rules   | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 0 of 8 | in the digest 2h ago | digest Wed 08:30 | notice: waits for the digest at 08:30 |
| notice over     | rules   | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 0 of 8 | told 2h ago          | now              | over, and you were told that it began |
| info over       | rules   | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 0 of 8 | –                    | log              | info: kept in the log                 |

#### What the model may change

| trouble         | verdict                  | when                           | quiet       | digest | today  | before      | then             | why                                         |
| --------------- | ------------------------ | ------------------------------ | ----------- | ------ | ------ | ----------- | ---------------- | ------------------------------------------- |
| notice opened   | model: notify            | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 0 of 8 | –           | now              | notice: told at once                        |
| info opened     | model: digest            | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 0 of 8 | –           | digest Wed 08:30 | info: waits for the digest at 08:30         |
| notice opened   | model: ignore            | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 0 of 8 | –           | log              | notice: kept in the log                     |
| warning opened  | model: digest            | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 0 of 8 | –           | digest Wed 08:30 | warning: waits for the digest at 08:30      |
| warning opened  | model: ignore            | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 0 of 8 | –           | digest Wed 08:30 | warning: waits for the digest at 08:30      |
| critical opened | model: ignore            | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 0 of 8 | –           | now              | critical: told at once                      |
| critical opened | model: digest            | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 0 of 8 | –           | now              | critical: told at once                      |
| warning opened  | model: digest after mail | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 0 of 8 | –           | now              | warning: told at once                       |
| notice opened   | model: ignore after mail | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 0 of 8 | –           | digest Wed 08:30 | notice: waits for the digest at 08:30       |
| critical opened | model: digest            | 2026-11-03 03:00 Europe/Berlin | 22:00-07:00 | 08:30  | 8 of 8 | –           | now              | critical: told at once, even in quiet hours |
| warning over    | model: ignore            | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 0 of 8 | told 2h ago | digest Wed 08:30 | warning: waits for the digest at 08:30      |

#### Quiet hours

| trouble         | verdict       | when                           | quiet       | digest | today  | before      | then                 | why                                         |
| --------------- | ------------- | ------------------------------ | ----------- | ------ | ------ | ----------- | -------------------- | ------------------------------------------- |
| warning opened  | rules         | 2026-11-03 21:59 Europe/Berlin | 22:00-07:00 | 08:30  | 0 of 8 | –           | now                  | warning: told at once                       |
| warning opened  | rules         | 2026-11-03 22:00 Europe/Berlin | 22:00-07:00 | 08:30  | 0 of 8 | –           | held until Wed 07:00 | quiet hours until 07:00                     |
| warning opened  | rules         | 2026-11-03 03:00 Europe/Berlin | 22:00-07:00 | 08:30  | 0 of 8 | –           | held until Tue 07:00 | quiet hours until 07:00                     |
| warning opened  | rules         | 2026-11-03 07:00 Europe/Berlin | 22:00-07:00 | 08:30  | 0 of 8 | –           | now                  | warning: told at once                       |
| notice opened   | rules         | 2026-11-03 03:00 Europe/Berlin | 22:00-07:00 | 08:30  | 0 of 8 | –           | digest Tue 08:30     | notice: waits for the digest at 08:30       |
| notice opened   | model: notify | 2026-11-03 03:00 Europe/Berlin | 22:00-07:00 | 08:30  | 0 of 8 | –           | held until Tue 07:00 | quiet hours until 07:00                     |
| critical opened | rules         | 2026-11-03 03:00 Europe/Berlin | 22:00-07:00 | 08:30  | 0 of 8 | –           | now                  | critical: told at once, even in quiet hours |
| critical over   | rules         | 2026-11-03 03:00 Europe/Berlin | 22:00-07:00 | 08:30  | 0 of 8 | told 2h ago | now                  | over, and you were told that it began       |
| warning over    | rules         | 2026-11-03 03:00 Europe/Berlin | 22:00-07:00 | 08:30  | 0 of 8 | told 6h ago | held until Tue 07:00 | quiet hours until 07:00                     |
| warning opened  | rules         | 2026-11-03 03:00 Europe/Berlin | –           | 08:30  | 0 of 8 | –           | now                  | warning: told at once                       |
| warning opened  | rules         | 2026-11-03 13:30 Europe/Berlin | 13:00-14:00 | 08:30  | 0 of 8 | –           | held until Tue 14:00 | quiet hours until 14:00                     |
| warning opened  | rules         | 2026-11-03 13:30 Europe/Berlin | 00:00-24:00 | 08:30  | 0 of 8 | –           | digest Wed 08:30     | quiet hours: waits for the digest at 08:30  |
| critical opened | rules         | 2026-11-03 13:30 Europe/Berlin | 00:00-24:00 | 08:30  | 0 of 8 | –           | now                  | critical: told at once, even in quiet hours |

#### The digest

| trouble        | verdict | when                           | quiet       | digest       | today  | before | then             | why                                        |
| -------------- | ------- | ------------------------------ | ----------- | ------------ | ------ | ------ | ---------------- | ------------------------------------------ |
| notice opened  | rules   | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30, 17:00 | 0 of 8 | –      | digest Tue 17:00 | notice: waits for the digest at 17:00      |
| notice opened  | rules   | 2026-11-03 18:00 Europe/Berlin | 22:00-07:00 | 08:30, 17:00 | 0 of 8 | –      | digest Wed 08:30 | notice: waits for the digest at 08:30      |
| notice opened  | rules   | 2026-11-03 08:30 Europe/Berlin | 22:00-07:00 | 08:30        | 0 of 8 | –      | digest Wed 08:30 | notice: waits for the digest at 08:30      |
| warning opened | rules   | 2026-11-03 03:00 Europe/Berlin | 22:00-07:00 | 06:30        | 0 of 8 | –      | digest Tue 06:30 | quiet hours: waits for the digest at 06:30 |
| notice opened  | rules   | 2026-11-03 03:00 Europe/Berlin | 22:00-07:00 | 06:30        | 0 of 8 | –      | digest Tue 06:30 | notice: waits for the digest at 06:30      |
| warning opened | rules   | 2026-11-03 23:00 Europe/Berlin | 22:00-07:00 | 00:30        | 0 of 8 | –      | digest Wed 00:30 | quiet hours: waits for the digest at 00:30 |

#### Zones, and the nights in which clocks are changed

| trouble         | verdict | when                                 | quiet       | digest | today  | before | then                 | why                                         |
| --------------- | ------- | ------------------------------------ | ----------- | ------ | ------ | ------ | -------------------- | ------------------------------------------- |
| warning opened  | rules   | 2026-11-03 21:59 Asia/Kathmandu      | 22:00-07:00 | 08:30  | 0 of 8 | –      | now                  | warning: told at once                       |
| warning opened  | rules   | 2026-11-03 22:00 Asia/Kathmandu      | 22:00-07:00 | 08:30  | 0 of 8 | –      | held until Wed 07:00 | quiet hours until 07:00                     |
| warning opened  | rules   | 2026-11-03 06:59 Asia/Kathmandu      | 22:00-07:00 | 08:15  | 0 of 8 | –      | held until Tue 07:00 | quiet hours until 07:00                     |
| warning opened  | rules   | 2026-11-03 23:00 America/New_York    | 22:00-07:00 | 08:30  | 0 of 8 | –      | held until Wed 07:00 | quiet hours until 07:00                     |
| warning opened  | rules   | 2026-11-03 06:00 Pacific/Auckland    | 22:00-07:00 | 08:30  | 0 of 8 | –      | held until Tue 07:00 | quiet hours until 07:00                     |
| warning opened  | rules   | 2026-10-24 23:00 Europe/Berlin       | 22:00-07:00 | 08:30  | 0 of 8 | –      | held until Sun 07:00 | quiet hours until 07:00                     |
| warning opened  | rules   | 2026-10-25 02:30 Europe/Berlin       | 22:00-02:30 | 08:30  | 0 of 8 | –      | now                  | warning: told at once                       |
| warning opened  | rules   | 2027-03-28 01:30 Europe/Berlin       | 22:00-02:30 | 08:30  | 0 of 8 | –      | held until Sun 03:00 | quiet hours until 03:00                     |
| notice opened   | rules   | 2027-03-27 20:00 Europe/Berlin       | 22:00-07:00 | 02:30  | 0 of 8 | –      | digest Sun 03:00     | notice: waits for the digest at 03:00       |
| notice opened   | rules   | 2026-10-24 20:00 Europe/Berlin       | 22:00-07:00 | 02:30  | 0 of 8 | –      | digest Sun 02:30     | notice: waits for the digest at 02:30       |
| warning opened  | rules   | 2026-10-31 23:00 America/New_York    | 22:00-07:00 | 08:30  | 0 of 8 | –      | held until Sun 07:00 | quiet hours until 07:00                     |
| warning opened  | rules   | 2026-09-26 23:00 Pacific/Auckland    | 22:00-07:00 | 08:30  | 0 of 8 | –      | held until Sun 07:00 | quiet hours until 07:00                     |
| critical opened | rules   | 2026-09-27 03:00 Pacific/Auckland    | 22:00-07:00 | 08:30  | 8 of 8 | –      | now                  | critical: told at once, even in quiet hours |
| warning opened  | rules   | 2026-10-04 01:45 Australia/Lord_Howe | 22:00-02:30 | 08:30  | 0 of 8 | –      | held until Sun 02:30 | quiet hours until 02:30                     |

#### The day's cap

| trouble         | verdict       | when                           | quiet       | digest       | today  | before      | then                 | why                                                          |
| --------------- | ------------- | ------------------------------ | ----------- | ------------ | ------ | ----------- | -------------------- | ------------------------------------------------------------ |
| warning opened  | rules         | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30        | 7 of 8 | –           | now                  | warning: told at once                                        |
| warning opened  | rules         | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30        | 8 of 8 | –           | digest Wed 08:30     | above interruptionsPerDay (8): waits for the digest at 08:30 |
| warning opened  | rules         | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30, 17:00 | 9 of 8 | –           | digest Tue 17:00     | above interruptionsPerDay (8): waits for the digest at 17:00 |
| critical opened | rules         | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30        | 8 of 8 | –           | now                  | critical: told at once, above interruptionsPerDay (8)        |
| warning over    | rules         | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30        | 8 of 8 | told 2h ago | digest Wed 08:30     | above interruptionsPerDay (8): waits for the digest at 08:30 |
| warning opened  | rules         | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30        | 0 of 0 | –           | digest Wed 08:30     | above interruptionsPerDay (0): waits for the digest at 08:30 |
| warning opened  | rules         | 2026-11-03 03:00 Europe/Berlin | 22:00-07:00 | 08:30        | 8 of 8 | –           | held until Tue 07:00 | quiet hours until 07:00                                      |
| notice opened   | model: notify | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30        | 8 of 8 | –           | digest Wed 08:30     | above interruptionsPerDay (8): waits for the digest at 08:30 |

#### Better, worse, and the same again

| trouble          | verdict       | when                           | quiet       | digest | today  | before                       | then             | why                                                       |
| ---------------- | ------------- | ------------------------------ | ----------- | ------ | ------ | ---------------------------- | ---------------- | --------------------------------------------------------- |
| warning changed  | rules         | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 1 of 8 | told 20m ago                 | digest Wed 08:30 | told 20m ago, and no worse: waits for the digest at 08:30 |
| warning changed  | model: notify | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 1 of 8 | told 20m ago                 | digest Wed 08:30 | told 20m ago, and no worse: waits for the digest at 08:30 |
| warning changed  | rules         | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 1 of 8 | told 60m ago                 | now              | warning: told at once                                     |
| warning changed  | rules         | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 1 of 8 | told notice 20m ago          | now              | warning: told at once                                     |
| critical changed | rules         | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 1 of 8 | told warning 20m ago         | now              | critical: told at once                                    |
| warning changed  | rules         | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 1 of 8 | told critical 20m ago        | digest Wed 08:30 | told 20m ago, and no worse: waits for the digest at 08:30 |
| critical changed | rules         | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 1 of 8 | told 20m ago                 | now              | critical: told at once                                    |
| warning changed  | rules         | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 1 of 8 | in the digest 20m ago        | now              | warning: told at once                                     |
| notice changed   | rules         | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 1 of 8 | told 3h ago                  | digest Wed 08:30 | notice: waits for the digest at 08:30                     |
| warning opened   | rules         | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 1 of 8 | told 20m ago; 2nd time in 1h | now              | warning: told at once                                     |

#### What comes and goes

| trouble         | verdict | when                           | quiet       | digest | today  | before                                                                           | then                 | why                                                             |
| --------------- | ------- | ------------------------------ | ----------- | ------ | ------ | -------------------------------------------------------------------------------- | -------------------- | --------------------------------------------------------------- |
| warning opened  | rules   | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 2 of 8 | told 40m ago; told 20m ago; 3rd time in 1h                                       | now                  | warning: told at once                                           |
| warning opened  | rules   | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 3 of 8 | told 50m ago; told 30m ago; told 10m ago; 4th time in 1h                         | digest Wed 08:30     | flapping: 4th time within 1h: waits for the digest at 08:30     |
| warning opened  | rules   | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 3 of 8 | told 5h ago; told 4h ago; told 3h ago; 6th time in 1h                            | digest Wed 08:30     | flapping: 6th time within 1h: waits for the digest at 08:30     |
| warning opened  | rules   | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 3 of 8 | 4th time in 1h                                                                   | now                  | warning: told at once                                           |
| critical opened | rules   | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 3 of 8 | told warning 50m ago; told warning 30m ago; told warning 10m ago; 4th time in 1h | now                  | critical: told at once                                          |
| critical opened | rules   | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 2 of 8 | told 40m ago; told 20m ago; 3rd time in 1h                                       | now                  | critical: told at once                                          |
| critical opened | rules   | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 3 of 8 | told 50m ago; told 40m ago; told 10m ago; 4th time in 1h                         | held until Tue 10:20 | flapping: 4th time within 1h: told at 10:20 unless that changes |
| critical opened | rules   | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 3 of 8 | told 55m ago; told 50m ago; told 30m ago; 7th time in 1h                         | now                  | critical: told at once                                          |
| critical opened | rules   | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 4 of 8 | told 90m ago; told 80m ago; told 70m ago; told 35m ago; 8th time in 1h           | held until Tue 10:25 | flapping: 8th time within 1h: told at 10:25 unless that changes |
| critical opened | rules   | 2026-11-03 03:00 Europe/Berlin | 22:00-07:00 | 08:30  | 3 of 8 | told 50m ago; told 40m ago; told 10m ago; 4th time in 1h                         | held until Tue 03:20 | flapping: 4th time within 1h: told at 03:20 unless that changes |
| critical over   | rules   | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 3 of 8 | told 12m ago; 3rd time in 1h                                                     | now                  | over, and you were told that it began                           |
| critical over   | rules   | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 3 of 8 | told 12m ago; 5th time in 1h                                                     | held until Tue 11:00 | flapping: 5th time within 1h: told at 11:00 unless that changes |
| critical over   | rules   | 2026-11-03 03:00 Europe/Berlin | 22:00-07:00 | 08:30  | 3 of 8 | told 12m ago; 5th time in 1h                                                     | held until Tue 07:00 | flapping: 5th time within 1h: told at 07:00 unless that changes |
| warning over    | rules   | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 3 of 8 | in the digest 12m ago; 5th time in 1h                                            | digest Wed 08:30     | flapping: 5th time within 1h: waits for the digest at 08:30     |

#### Your word: acknowledged, put off

| trouble          | verdict       | when                           | quiet       | digest | today  | before                                   | then                 | why                                                               |
| ---------------- | ------------- | ------------------------------ | ----------- | ------ | ------ | ---------------------------------------- | -------------------- | ----------------------------------------------------------------- |
| warning changed  | rules         | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 1 of 8 | told 2h ago; acknowledged                | silence              | you have acknowledged or snoozed it                               |
| warning changed  | rules         | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 1 of 8 | told critical 2h ago; acknowledged       | silence              | you have acknowledged or snoozed it                               |
| critical changed | rules         | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 1 of 8 | told warning 20m ago; acknowledged       | now                  | critical: told at once                                            |
| critical changed | rules         | 2026-11-03 03:00 Europe/Berlin | 22:00-07:00 | 08:30  | 8 of 8 | told notice 20m ago; put off for longer  | now                  | critical: told at once, even in quiet hours                       |
| warning changed  | rules         | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 1 of 8 | told 2h ago; put off for longer          | silence              | you have acknowledged or snoozed it                               |
| critical over    | rules         | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 1 of 8 | told 2h ago; acknowledged                | digest Wed 08:30     | over, and you knew of it; critical: waits for the digest at 08:30 |
| warning over     | rules         | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 1 of 8 | in the digest 2h ago; acknowledged       | silence              | you have acknowledged or snoozed it                               |
| critical over    | rules         | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 1 of 8 | told 2h ago; put off for longer          | digest Wed 08:30     | over, and you knew of it; critical: waits for the digest at 08:30 |
| warning opened   | rules         | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 1 of 8 | told 20m ago; put off until then         | now                  | the time you put it off for is over, and it is still open         |
| notice opened    | rules         | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 1 of 8 | in the digest 2h ago; put off until then | now                  | the time you put it off for is over, and it is still open         |
| warning opened   | model: ignore | 2026-11-03 10:00 Europe/Berlin | 22:00-07:00 | 08:30  | 1 of 8 | told 2h ago; put off until then          | now                  | the time you put it off for is over, and it is still open         |
| warning opened   | rules         | 2026-11-03 03:00 Europe/Berlin | 22:00-07:00 | 08:30  | 1 of 8 | told 6h ago; put off until then          | held until Tue 07:00 | quiet hours until 07:00                                           |
| critical opened  | rules         | 2026-11-03 03:00 Europe/Berlin | 22:00-07:00 | 08:30  | 8 of 8 | told 6h ago; put off until then          | now                  | the time you put it off for is over, and it is still open         |

#### Still open

| trouble             | verdict | when                            | quiet       | digest       | today  | before                                                                               | then                           | why                                                                                  |
| ------------------- | ------- | ------------------------------- | ----------- | ------------ | ------ | ------------------------------------------------------------------------------------ | ------------------------------ | ------------------------------------------------------------------------------------ |
| critical still open | –       | 2026-11-03 10:00 Europe/Berlin  | 22:00-07:00 | 08:30        | 1 of 8 | told 59m ago                                                                         | reminder Tue 10:01             | critical and still open: 1st reminder, the next one in 2h unless you acknowledge it  |
| critical still open | –       | 2026-11-03 10:00 Europe/Berlin  | 22:00-07:00 | 08:30        | 1 of 8 | told 1h ago                                                                          | reminder now                   | critical and still open: 1st reminder, the next one in 2h unless you acknowledge it  |
| critical still open | –       | 2026-11-03 12:00 Europe/Berlin  | 22:00-07:00 | 08:30        | 2 of 8 | told 3h ago; reminded 2h ago                                                         | reminder now                   | critical and still open: 2nd reminder, the next one in 6h unless you acknowledge it  |
| critical still open | –       | 2026-11-03 12:00 Europe/Berlin  | 22:00-07:00 | 08:30        | 2 of 8 | told 3h ago; reminded 1h ago                                                         | reminder Tue 13:00             | critical and still open: 2nd reminder, the next one in 6h unless you acknowledge it  |
| critical still open | –       | 2026-11-03 18:00 Europe/Berlin  | 22:00-07:00 | 08:30        | 3 of 8 | told 9h ago; reminded 8h ago; reminded 6h ago                                        | reminder now                   | critical and still open: 3rd reminder, the next one in 15h unless you acknowledge it |
| critical still open | –       | 2026-11-04 09:00 Europe/Berlin  | 22:00-07:00 | 08:30        | 0 of 8 | told 24h ago; reminded 23h ago; reminded 21h ago; reminded 15h ago                   | reminder now                   | critical and still open: 4th reminder, the next one in 1d unless you acknowledge it  |
| critical still open | –       | 2026-11-05 09:00 Europe/Berlin  | 22:00-07:00 | 08:30        | 0 of 8 | told 48h ago; reminded 47h ago; reminded 45h ago; reminded 39h ago; reminded 24h ago | reminder now                   | critical and still open: 5th reminder, the next one in 1d unless you acknowledge it  |
| critical still open | –       | 2026-11-13 09:00 Europe/Berlin  | 22:00-07:00 | 08:30        | 0 of 8 | told 10d ago; reminded 9d ago                                                        | reminder now                   | critical and still open: 2nd reminder, the next one in 6h unless you acknowledge it  |
| critical still open | –       | 2026-11-03 03:00 Europe/Berlin  | 22:00-07:00 | 08:30        | 1 of 8 | told 1h ago                                                                          | reminder now                   | critical and still open: 1st reminder, the next one in 2h unless you acknowledge it  |
| critical still open | –       | 2026-11-03 03:00 Europe/Berlin  | 22:00-07:00 | 08:30        | 1 of 8 | told 3h ago; reminded 2h ago                                                         | reminder Tue 07:00             | critical and still open: 2nd reminder, the next one in 6h unless you acknowledge it  |
| critical still open | –       | 2026-11-03 10:00 Europe/Berlin  | 22:00-07:00 | 08:30        | 8 of 8 | told 1h ago                                                                          | digest Wed 08:30               | a reminder above interruptionsPerDay (8): waits for the digest at 08:30              |
| critical still open | –       | 2026-11-03 10:00 Europe/Berlin  | 22:00-07:00 | 08:30        | 1 of 8 | told warning 5h ago; told 1h ago                                                     | reminder now                   | critical and still open: 1st reminder, the next one in 2h unless you acknowledge it  |
| critical still open | –       | 2026-11-03 10:00 Europe/Berlin  | 22:00-07:00 | 08:30        | 1 of 8 | told 2h ago; acknowledged                                                            | silence                        | you know of it                                                                       |
| critical still open | –       | 2026-11-03 10:00 Europe/Berlin  | 22:00-07:00 | 08:30        | 1 of 8 | told 2h ago; put off for longer                                                      | silence                        | you have put it off                                                                  |
| critical still open | –       | 2026-11-03 10:00 Europe/Berlin  | 22:00-07:00 | 08:30        | 1 of 8 | –                                                                                    | silence                        | it was never told                                                                    |
| critical still open | –       | 2027-03-28 01:30 Europe/Berlin  | 22:00-07:00 | 08:30        | 1 of 8 | told 3h ago; reminded 2h ago                                                         | reminder Sun 07:00             | critical and still open: 2nd reminder, the next one in 6h unless you acknowledge it  |
| warning still open  | –       | 2026-11-03 10:00 Europe/Berlin  | 22:00-07:00 | 08:30        | 1 of 8 | told 2h ago                                                                          | a line in the digest Wed 08:30 | once a day                                                                           |
| warning still open  | –       | 2026-11-03 10:00 Europe/Berlin  | 22:00-07:00 | 08:30, 17:00 | 1 of 8 | told 26h ago; in the digest 90m ago                                                  | a line in the digest Wed 08:30 | once a day                                                                           |
| warning still open  | –       | 2026-11-03 10:00 Europe/Berlin  | 22:00-07:00 | 08:30        | 8 of 8 | in the digest 90m ago                                                                | a line in the digest Wed 08:30 | once a day                                                                           |
| warning still open  | –       | 2026-11-03 10:00 Asia/Kathmandu | 22:00-07:00 | 08:15        | 1 of 8 | told 2h ago                                                                          | a line in the digest Wed 08:15 | once a day                                                                           |
| warning still open  | –       | 2026-10-24 20:00 Europe/Berlin  | 22:00-07:00 | 08:30        | 1 of 8 | told 2h ago                                                                          | a line in the digest Sun 08:30 | once a day                                                                           |
| warning still open  | –       | 2026-11-03 10:00 Europe/Berlin  | 22:00-07:00 | 08:30        | 1 of 8 | told 2h ago; acknowledged                                                            | silence                        | you know of it                                                                       |
| notice still open   | –       | 2026-11-03 10:00 Europe/Berlin  | 22:00-07:00 | 08:30        | 1 of 8 | told 2h ago                                                                          | silence                        | it is not severe enough                                                              |
`;

interface Case {
  readonly row: string;
  readonly trouble: string;
  readonly verdict: string;
  readonly when: string;
  readonly quiet: string;
  readonly digest: string;
  readonly today: string;
  readonly before: string;
  readonly then: string;
  readonly why: string;
}

const columns = ["trouble", "verdict", "when", "quiet", "digest", "today", "before", "then", "why"];

const cases = tables
  .split("\n")
  .filter(
    (line) => line.startsWith("|") && !line.startsWith("| trouble") && !/^\| -+ \|/.test(line),
  )
  .map((row): Case => {
    const cells = row.split("|").slice(1, -1);
    if (cells.length !== columns.length) throw new Error(`${cells.length} cells: ${row}`);
    const named = Object.fromEntries(columns.map((name, at) => [name, cells[at]?.trim() ?? ""]));
    return { row, ...(named as Omit<Case, "row">) };
  });

interface Situation {
  readonly finding: Finding;
  readonly history: TellingHistory;
  readonly now: number;
  readonly timezone: string;
  readonly quietHours: ClockRange | null;
  readonly digestAt: readonly string[];
  readonly interruptionsToday: number;
  readonly interruptionsPerDay: number;
}

const earlierId = 1;
const findingId = 2;

function situationOf({ trouble, when, quiet, digest, today, before }: Case): Situation {
  const [severity, ...happened] = trouble.split(" ");
  const [, day = "", time = "", timezone = ""] = /^(\S+) (\S+) (\S+)$/.exec(when) ?? [];
  const now = instantOfWallClock(Date.parse(`${day}T${time}:00Z`), timezone);
  const [interruptionsToday = 0, interruptionsPerDay = 0] = today.split(" of ").map(Number);
  const hours = quiet === "–" ? null : parseClockRange(quiet);
  if (hours && !hours.ok) throw new Error(hours.problem);

  const states: Record<string, FindingState> = { changed: "changed", over: "resolved" };
  const state = states[happened.join(" ")] ?? "opened";
  const isNew = happened.join(" ") === "opened";
  const tellings: Telling[] = [];
  let history = untold(findingId);
  let status: Finding["status"] = "open";
  let openFor = 0;
  for (const phrase of before === "–" ? [] : before.split("; ")) {
    const said = /^(told|reminded|in the digest)( \w+)? (\S+) ago$/.exec(phrase);
    const open = /^began (\S+) ago$/.exec(phrase);
    const times = /^(\d+)\w\w time in 1h$/.exec(phrase);
    const putOff = /^put off (until then|for longer)$/.exec(phrase);
    if (said) {
      const kind = ({ told: "told", reminded: "reminder" } as const)[said[1] ?? ""] ?? "digest";
      const worth = said[2]?.trim() ?? severity;
      tellings.push({
        findingId: isNew ? earlierId : findingId,
        kind,
        state: kind === "told" && tellings.length > 0 && !isNew ? "changed" : "opened",
        severity: severityOf(worth),
        at: now - durationOf(said[3]),
      });
    } else if (open) openFor = durationOf(open[1]);
    else if (times) history = { ...history, timesWithinHour: Number(times[1]) };
    else if (phrase === "acknowledged") {
      status = "acked";
      history = { ...history, ackedAt: now - 1 };
    } else if (putOff) {
      const isOver = putOff[1] === "until then";
      status = isOver ? "open" : "snoozed";
      history = { ...history, snoozedUntil: isOver ? now : now + 3_600_000 };
    } else throw new Error(`not understood: ${phrase}`);
  }
  const isTold = tellings.some(({ kind }) => kind === "told") && !isNew;
  const revision = happened.join(" ") === "still open" ? 1 : 2;
  const openedAt = now - openFor;
  return {
    finding: {
      ...{
        id: findingId,
        skill: "web",
        check: "web/shop",
        key: "down",
        state,
        status,
        trust: "trusted",
      },
      ...{
        severity: severityOf(severity),
        title: "shop is down",
        text: null,
        data: null,
        revision,
      },
      ...{ handledRevision: 1, toldRevision: isTold ? 1 : 0, openedAt, changedAt: openedAt },
      ...{
        resolvedAt: state === "resolved" ? now : null,
        since: null,
        verdict: null,
        decidedBy: null,
      },
    },
    history: { ...history, tellings },
    now,
    timezone,
    quietHours: hours ? hours.range : null,
    digestAt: digest.split(", "),
    interruptionsToday,
    interruptionsPerDay,
  };
}

function severityOf(word: string | undefined): Severity {
  const severity = severities.find((known) => known === word);
  if (!severity) throw new Error(`no severity: ${word}`);
  return severity;
}

function durationOf(word: string | undefined): number {
  const parts = (word ?? "").match(/\d+[dhm]/g) ?? [];
  if (parts.length === 0) throw new Error(`no duration: ${word}`);
  return parts.reduce((sum, part) => sum + (parseDuration(part) ?? NaN), 0);
}

/** The whole way of a word to the owner, of the same parts as in the daemon. */
function decide(one: Case): { then: string; why: string } {
  const situation = situationOf(one);
  const { finding, history, now } = situation;
  if (one.trouble.endsWith("still open")) return remindOf(situation);

  const word = ownersWord(finding, history, now);
  const worst = history.tellings.at(-1)?.severity ?? finding.severity;
  const isNews =
    finding.state === "resolved"
      ? endIsNews(finding, "gone")
      : !history.tellings.length || changeIsNews({ ...finding, severity: worst }, finding.severity);
  if (!isNews) return { then: "silence", why: noNews };

  const given = verdicts.find((verdict) => one.verdict.startsWith(`model: ${verdict}`));
  const runReadUntrusted = one.verdict.endsWith("after mail");
  // What ends while the owner knows of it is not put to the model.
  const { verdict, why } =
    given && word !== "hushed"
      ? floorVerdict(given, { ...finding, runReadUntrusted }, word)
      : ruleVerdict(finding, word);
  const { severity } = finding;
  const way = route({ ...situation, verdict, severity, repeat: repeatOf(finding, history, now) });
  // As in the message: the reason is the verdict's where that is not what the rules say anyway.
  const isVerdicts = way.kind === "now" && (finding.state === "resolved" || word !== null);
  const hushed = word === "hushed" ? `${why}; ${way.why}` : way.why;
  const because = isVerdicts ? why : hushed;
  if (way.kind !== "digest") return { then: way.kind, why: because };
  return { then: waiting(way.at, situation), why: because };
}

function remindOf(situation: Situation): { then: string; why: string } {
  const { finding, history, now, timezone } = situation;
  const told = { finding: { ...finding, handledRevision: finding.revision }, ...history };
  if (finding.severity !== "critical") {
    const at = stillOpenAt(told, situation);
    if (at === null) return { then: "silence", why: silenceOf(situation) };
    return { then: `a line in the digest ${shortTime(at, timezone)}`, why: "once a day" };
  }
  const reminder = nextReminder(told, situation);
  if (!reminder) return { then: "silence", why: silenceOf(situation) };
  if (reminder.at > now)
    return { then: `reminder ${shortTime(reminder.at, timezone)}`, why: reminder.why };
  const way = routeReminder(situation);
  return way.kind === "now"
    ? { then: "reminder now", why: reminder.why }
    : { then: waiting(way.at, situation), why: way.why };
}

/** The reminders' silence is decided, not said: nobody reads its reason. */
function silenceOf({ finding, history }: Situation): string {
  if (finding.status === "acked") return "you know of it";
  if (finding.status === "snoozed") return "you have put it off";
  return history.tellings.length === 0 ? "it was never told" : "it is not severe enough";
}

function waiting(at: number, { digestAt, now, timezone }: Situation): string {
  const isDigest = at === nextDigest(digestAt, now, timezone);
  return `${isDigest ? "digest" : "held until"} ${shortTime(at, timezone)}`;
}

const shortTime = (at: number, timezone: string): string =>
  `${formatDateTime(at, timezone).slice(0, 3)} ${formatTimeOfDay(at, timezone)}`;

test("there are enough cases, and none stands there twice", () => {
  expect(cases.length).toBeGreaterThanOrEqual(80);
  expect(new Set(cases.map(({ row }) => row)).size).toBe(cases.length);
});

describe("the owner is told", () => {
  test.for(cases)("$trouble, $verdict, $when, quiet $quiet, $today, $before: $then", (one) => {
    expect(decide(one)).toEqual({ then: one.then, why: one.why });
  });
});

test("docs/notifications.md has the same tables", async () => {
  const page = join(import.meta.dirname, "../../docs/notifications.md");
  const text = await readFile(page, "utf8");
  const [begin, end] = ["<!-- cases: begin -->\n", "<!-- cases: end -->"];
  const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)];
  expect(from).toBeGreaterThan(begin.length);
  expect(to).toBeGreaterThanOrEqual(from);
  if (process.env.UPDATE_DOCS) {
    await writeFile(page, `${text.slice(0, from)}${tables}\n${text.slice(to)}`);
    return;
  }
  expect(text.slice(from, to).trim()).toBe(tables.trim());
});
