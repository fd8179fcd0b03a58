/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the configuration share among themselves, and with their tests. Nobody else
 * includes this.
 *
 * Functions that can fail report why and go on where that finds more errors; they return only 0 or
 * -ENOMEM unless they say otherwise, and the report says whether there was an error.
 */
#ifndef AGENT_CONFIG_INTERNAL_H
#define AGENT_CONFIG_INTERNAL_H

#include "config.h"
#include "config_table.h"

/* What one load may take in all, so that no input, however made, takes unbounded time or memory. */
#define CONFIG_FILE_BYTES_MAX  (16UL * 1024 * 1024)  /* of one file */
#define CONFIG_READ_BYTES_MAX  (256UL * 1024 * 1024) /* of all files */
#define CONFIG_FILES_MAX       1000
#define CONFIG_FILES_DEPTH_MAX 10
#define CONFIG_LINES_MAX       10000                /* parameters set */
#define CONFIG_EXPANDED_MAX    (32UL * 1024 * 1024) /* bytes of all expanded values */
#define CONFIG_NESTING_MAX     100                  /* of macro calls, as in Postfix */

/*
 * Reads a whole file. *ret_text is the caller's to free and has one byte of room behind *ret_size.
 * Returns 0, or -errno; *reterr_message is then set to a static sentence, or left NULL where errno
 * says it all.
 */
typedef int config_read_fn(void *context, const char *path, char **ret_text, size_t *ret_size,
			   const char **reterr_message);

struct config_reader {
	config_read_fn *read;
	void *context;
	config_identify_fn
		*identify; /* asked before a file is read; NULL: files have no identity */
};

/* Regular files only, at most CONFIG_FILE_BYTES_MAX. */
config_read_fn config_read_file;

/* From which byte on the text of a value was written in (the value of) setting. */
struct config_setting;
struct config_span {
	size_t start;
	const struct config_setting *setting;
};

/* A text that grows. */
struct config_text {
	char *data; /* NUL-terminated once anything was appended */
	size_t size;
	size_t room;
};

int config_text_append(struct config_text *text, const char *data, size_t size);

enum config_expansion { CONFIG_UNEXPANDED, CONFIG_EXPANDING, CONFIG_EXPANDED };

struct config_setting {
	const struct config_parameter *parameter;
	char *raw;      /* NULL: not set, the default counts */
	char *name;     /* "PORT:name" of an override, else NULL */
	size_t service; /* of an override: index in config.services */
	struct config_origin origin;
	enum config_expansion state;
	struct config_text value; /* expanded */
	struct config_span *spans;
	size_t span_count;
	bool changed;
	bool failed; /* to expand; reported */
};

struct config_values {
	struct config_setting settings[CONFIG_PARAMETERS_MAX]; /* in the order of the table */
	struct config_setting *overrides;
	size_t override_count;
	char **files; /* names that origins point to */
	size_t file_count;
	struct postfix *postfix; /* NULL unless postfix_config_directory names one */
};

struct config_loader {
	struct config *config;
	struct report *report;
	size_t errors_before; /* in the report, from elsewhere */
	const struct config_reader *reader;
	size_t read_left;
	size_t files_left;
	size_t expansion_left;
	unsigned depth;             /* of the macro call that is being expanded */
	struct config_scope *scope; /* what names mean beside parameters; NULL: nothing */
};

/* As config_load for text, said to be of the file name; files that it names come from reader. */
int config_parse_buffer(const char *name, const char *text, size_t size,
			const struct config_reader *reader, struct config **ret_config,
			struct report *report);

/* The file of origin for a message: the configuration file itself where a default is concerned. */
const char *config_origin_file(const struct config_loader *loader,
			       const struct config_origin *origin);

/* The copy of path that origins may point to; NULL when memory is short. */
const char *config_file_name(struct config_values *values, const char *path);

#define config_error(loader, origin, parameter, ...)                                       \
	report_add((loader)->report, REPORT_ERROR, config_origin_file((loader), (origin)), \
		   (origin)->line, (parameter), __VA_ARGS__)
#define config_warning(loader, origin, parameter, ...)                                       \
	report_add((loader)->report, REPORT_WARNING, config_origin_file((loader), (origin)), \
		   (origin)->line, (parameter), __VA_ARGS__)

/* config_lines -> settings and overrides, unexpanded. config_settings.c */
int config_settings_read(struct config_loader *loader, char *text, size_t size);
struct config_values *config_values_free(struct config_values *values);
/* Cuts "name = value" in two; a sentence if it is none, else NULL. */
const char *config_assignment_split(char *text, char **ret_value);
/* A new override, all of it unset but parameter and name; NULL when memory is short. */
struct config_setting *config_override_new(struct config_values *values,
					   const struct config_parameter *parameter,
					   const char *name);
/* The name to show for a setting. */
const char *config_setting_name(const struct config_setting *setting);

/* Expands all settings; -EINVAL if there is too much to go on with. config_expand.c */
int config_expand_all(struct config_loader *loader);
/* Expands one, as far as that was not done before; -EINVAL for what has been reported. */
int config_expand_setting(struct config_loader *loader, struct config_setting *setting);

/* A text that is quoted in a message: as much of it as helps. */
#define CONFIG_QUOTED             "\"%.*s\""
#define config_quoted(text, size) ((size) > 80 ? 80 : (int)(size)), (text)

/* Whether so many errors are known that more of them would help nobody. */
static inline bool config_hopeless(const struct config_loader *loader)
{
	return loader->report->omitted > 0 && loader->report->errors > 0;
}

/* Reads the file itself. Returns -EINVAL for what it has reported. config_file.c */
int config_read(struct config_loader *loader, const char *path, char **ret_text, size_t *ret_size);

/* Reads a file for a list, within the budget; the text is NULL if it was reported as unreadable.
 * config_file.c */
int config_include(struct config_loader *loader, const char *path,
		   const struct config_origin *origin, const char *parameter, char **ret_text,
		   size_t *ret_size);

/* An address list. config_lists.c */
int config_list_parse(struct config_loader *loader, const struct config_setting *setting,
		      struct config_patterns *ret_patterns);
void config_patterns_done(struct config_patterns *patterns);

/* protected_ports -> config.services; then where each override belongs. config_services.c */
int config_services_parse(struct config_loader *loader, const struct config_setting *setting);
int config_overrides_resolve(struct config_loader *loader);

/*
 * ADDRESS:PORT or [ADDRESS]:PORT, the port also by name; false with a sentence in *reterr_message.
 * config_endpoint.c
 */
bool config_endpoint_parse(const char *text, size_t size, struct sa_address *ret_address,
			   uint16_t *ret_port, const char **reterr_message);
/* A port number, or the name of a TCP service. */
bool config_port_parse(const char *text, size_t size, uint16_t *ret_port);

/* Checks each value and stores what struct config holds of it. config_store.c */
int config_store_all(struct config_loader *loader);

/* Checks of texts: a sentence if there is something wrong with it, else NULL. config_texts.c */
const char *config_text_problem(const struct config_parameter *parameter, const char *text);
const char *config_interface_problem(const char *name, size_t size);

/* The next word of a list: separated by commas and blanks, braces protect them. config_words.c */
struct config_word {
	const char *text;
	size_t size;
	bool unbalanced; /* a brace has no partner */
};
bool config_word_next(const char **cursor, const char *end, struct config_word *ret_word);

/* The text between the brace at *cursor and its partner; false if it has none. */
bool config_braced(const char **cursor, const char *end, const char **ret_text, size_t *ret_size);

/* The same, blanks at both ends cut. */
bool config_braces(const char **cursor, const char *end, const char **ret_text, size_t *ret_size);

#endif
