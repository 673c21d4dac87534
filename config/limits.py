"""How much may come in, in one place: every face reads its limits here. `docs/reference/limits.md` lists them."""

#: Bytes of a whole request, files among them.
MOST_BODY_BYTES = 25 * 1024 * 1024
#: Fields of a posted form.
MOST_FORM_FIELDS = 20_000
#: Files of a posted form.
MOST_FORM_FILES = 10
#: Levels of lists and objects inside each other in a JSON body.
MOST_JSON_LEVELS = 12
#: Values of a JSON body: texts, numbers, lists, objects, all together.
MOST_JSON_VALUES = 100_000
#: Characters of the name of a field in a JSON body.
MOST_JSON_NAME_CHARACTERS = 200
#: Characters of a text whose field says nothing smaller: bodies of commands and scripts, lines of values.
MOST_TEXT_CHARACTERS = 64 * 1024
#: Characters of a CSV file that comes as a text.
MOST_CSV_CHARACTERS = 20 * 1024 * 1024
#: Characters of a text of one line whose field says nothing smaller.
MOST_LINE_CHARACTERS = 1_000
#: Characters of a secret: passwords, communities, keys.
MOST_SECRET_CHARACTERS = 16 * 1024
#: Characters of a password that somebody signs in with.
MOST_PASSWORD_CHARACTERS = 1_000
#: Characters of a message to other people.
MOST_MESSAGE_CHARACTERS = 1_000
#: The value of a number whose field says nothing smaller; databases keep it in 32 bits.
MOST_NUMBER = 2**31 - 1
#: Items of a list whose field says nothing smaller.
MOST_ITEMS = 1_000
#: Devices that a job, or a task of it, names one by one.
MOST_DEVICES = 10_000
#: Devices in a wave, or that a rollout counts.
MOST_ROLLOUT_DEVICES = 100_000
#: Devices that an agent, or a customer, works on at a time.
MOST_PARALLEL = 100_000
#: Triggers of a job.
MOST_TRIGGERS = 20
#: Steps of a template, and tasks of a job.
MOST_STEPS = 50
#: Variables of a template, and parameters of a script.
MOST_VARIABLES = 50
#: Rules of a schedule filter.
MOST_FILTER_RULES = 500
#: Dates, days or weekdays of one rule or one trigger.
MOST_DATES = 10_000
#: Rows of a page of a list in the API.
MOST_PAGE_ROWS = 500
#: Characters that a list is searched for.
MOST_SEARCH_CHARACTERS = 200
#: Values that a list's query gives.
MOST_QUERY_VALUES = 100

#: Wrong passwords for all accounts together from one address, within the time of `INTERLOCK_SIGN_IN_MINUTES`.
MOST_GUESSES_OF_ADDRESS = 100
#: Wrong passwords for one account from everywhere together, in that time; remembered browsers are not among them.
MOST_GUESSES_OF_ACCOUNT = 100
#: Wrong bearer tokens and addresses of calendar feeds from one address, in that time.
MOST_GUESSES_OF_TOKENS = 100
#: How long (days) a browser that an account signed in from stays remembered.
REMEMBERED_DAYS = 365
