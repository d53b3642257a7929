# SPDX-License-Identifier: GPL-2.0
# bash completion of uml(1): commands, options, names of guests, files.

_uml()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} i
	local commands="run ps exec console stop kill pause resume sysrq stats image doctor"
	local run="--root --rw --volume --user --cwd --env --cpus --memory --network --publish
		--disk --kernel --initrd --append --timeout --name --dry-run --gdb --quiet --verbose --help"

	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$commands --help" -- "$cur")
		return
	fi
	case ${COMP_WORDS[1]} in
	run)
		for ((i = 2; i < COMP_CWORD; i++)); do
			[ "${COMP_WORDS[i]}" != -- ] || { mapfile -t COMPREPLY < <(compgen -c -f -- "$cur"); return; }
		done
		case $prev in
		--root|--volume|--disk|--kernel|--initrd|--cwd)
			mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
		--network)
			mapfile -t COMPREPLY < <(compgen -W "none user tap= fd=" -- "$cur") ;;
		--user)
			mapfile -t COMPREPLY < <(compgen -u -- "$cur") ;;
		--env)
			mapfile -t COMPREPLY < <(compgen -v -- "$cur") ;;
		*)
			mapfile -t COMPREPLY < <(compgen -W "$run --" -- "$cur") ;;
		esac ;;
	exec|console|stop|kill|pause|resume|sysrq|stats)
		mapfile -t COMPREPLY < <(compgen -W "$(uml ps -q 2>/dev/null)" -- "$cur") ;;
	image)
		case $COMP_CWORD in
		2) COMPREPLY=(build) ;;
		3) COMPREPLY=(debian) ;;
		*) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
		esac ;;
	doctor)
		mapfile -t COMPREPLY < <(compgen -W --kernel -- "$cur") ;;
	esac
}
complete -o filenames -F _uml uml
