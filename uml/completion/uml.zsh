#compdef uml
# SPDX-License-Identifier: GPL-2.0
# zsh completion of uml(1).

_uml_guests()
{
	local -a guests
	guests=(${(f)"$(uml ps -q 2>/dev/null)"})
	compadd -a guests
}

_uml_run()
{
	_arguments -s -S \
		'--root[root file system]:directory, image or archive:_files' \
		'--rw[write changes to the root]' \
		'*--volume[a directory of the host]:directory:_files -/' \
		'--user[who the command runs as]:user:_users' \
		'--cwd[directory]:directory:_files -/' \
		'*--env[variable]:variable:_parameters -g "*export*"' \
		'--cpus[processors]:number' \
		'--memory[memory]:size' \
		'--network[network]:network:(none user tap= fd=)' \
		'*--publish[port]:host port\:guest port' \
		'*--disk[disk]:file:_files' \
		'--kernel[kernel]:file:_files' \
		'--initrd[initramfs]:file:_files' \
		'*--append[kernel option]:option' \
		'--timeout[time]:seconds' \
		'--name[name]:name' \
		'--dry-run[print the command line]' \
		'--gdb[run under gdb]' \
		'(-q --quiet)'{-q,--quiet}'[no notes]' \
		'(-v --verbose)'{-v,--verbose}'[show the kernel messages]' \
		'*::command:_normal'
}

_uml()
{
	local -a commands
	commands=(run ps exec console stop kill pause resume sysrq stats image doctor)
	if (( CURRENT == 2 )); then
		compadd -a commands
		return
	fi
	case $words[2] in
	run)
		shift words
		(( CURRENT-- ))
		_uml_run ;;
	exec|console|stop|kill|pause|resume|sysrq|stats)
		_uml_guests ;;
	image)
		_arguments '2:what:(build)' '3:recipe:(debian)' '4:file:_files' ;;
	doctor)
		_arguments '--kernel[kernel]:file:_files' ;;
	esac
}

_uml "$@"
