"""How Netmiko's device types enter and leave configuration mode, save, and show their configuration.

Source: the defaults of Netmiko's classes; how the running configuration is shown, of the vendors' manuals.
"""

#: key | enter | leave (lines) | save | show the running configuration
LINES = """\
a10 | configure terminal | end | write memory | show running-config
adtran_os | config term | end | copy running-config startup-config | show running-config
adva_fsp150f2 |  |  | copy running-config startup-config |
adva_fsp150f3 |  |  | copy running-config startup-config |
alaxala_ax26s | configure terminal |  | write |
alaxala_ax36s | configure terminal |  | write |
alcatel_aos |  |  | write memory flash-synchro |
alcatel_sros | edit-config exclusive | commit |  | admin display-config
allied_telesis_awplus | configure terminal | exit | copy running-config startup-config | show running-config
apresia_aeos | configure terminal | end | copy running-config startup-config | show running-config
arris_cer | configure | end | write memory | show running-config
aruba_aoscx | configure term | end | copy running-config startup-config | show running-config
aruba_os | configure term | end | copy running-config startup-config | show running-config
aruba_osswitch | configure terminal | end | write memory | show running-config
aruba_procurve | configure terminal | end | write memory | show running-config
asterfusion_asternos | configure terminal | end | write | show running-config
audiocode_66 |  | exit | write |
audiocode_72 |  | exit | write |
audiocode_shell |  | .. | SaveConfiguration |
avara_aos | enable | disable | save flash |
avaya_ers | configure terminal | end | save config | show running-config
avaya_vsp | configure terminal | end | save config | show running-config
aviat_wtm | config | commit; end |  |
bintec_boss |  |  | save |
broadcom_icos | configure | exit | write memory | show running-config
brocade_fastiron | configure terminal | end | write mem | show running-config
brocade_fos |  |  | copy running-config startup-config |
brocade_netiron | configure terminal | end | write memory | show running-config
brocade_nos | configure terminal | end | copy running-config startup-config | show running-config
brocade_vdx | configure terminal | end | copy running-config startup-config | show running-config
brocade_vyos | configure | commit; exit |  |
calix_b6 | configure terminal | end | copy run start | show running-config
casa_cmts | config |  | copy running-config startup-config |
cdot_cros | config | commit; end |  |
centec_os | configure terminal | end | write | show running-config
checkpoint_gaia |  |  | save config | show configuration
ciena_saos |  |  | configuration save |
ciena_waveserver |  |  | configuration save |
cisco_ap |  |  | copy running-config startup-config |
cisco_apic | sudo -s | exit |  |
cisco_asa | configure terminal | end | write mem | show running-config
cisco_ftd |  |  | copy running-config startup-config |
cisco_ioswlc | configure terminal | end | write mem | show running-config
cisco_nxos | configure terminal | end | copy running-config startup-config | show running-config
cisco_s200 | configure terminal | end | write memory | show running-config
cisco_s300 | configure terminal | end | write memory | show running-config
cisco_s500 | configure terminal | end | write memory | show running-config
cisco_tp | configure terminal | end |  | show running-config
cisco_viptela | conf terminal | commit; end |  |
cisco_wlc | config | exit | save config | show running-config
cisco_xe | configure terminal | end | write mem | show running-config
cisco_xr | configure terminal | commit; end |  |
corelight_linux | sudo -s | exit |  |
cumulus_linux | sudo -s | exit | nv config apply |
dell_dnos9 | configure terminal | end | write memory | show running-config
dell_force10 | configure terminal | end | write memory | show running-config
dell_isilon | sudo su | exit |  |
dell_os10 | configure terminal | end | copy running-configuration startup-configuration | show running-config
dell_os6 | config | end | copy running-config startup-config | show running-config
dell_os9 | configure terminal | end | write memory | show running-config
dell_powerconnect | config | end | copy running-config startup-config | show running-config
dell_sonic | configure terminal | end | write memory | show running-config
digi_transport |  |  | config 0 save |
dlink_ds |  |  | save |
edgecore_sonic | sudo -s | exit |  |
ekinops_ek360 | configure terminal | end | write mem | show running-config
eltex | configure terminal | end |  | show running-config
eltex_esr | configure | commit; end |  |
endace | conf t | exit | configuration write | show running-config
enterasys | configure terminal | end |  | show running-config
ericsson_ipos | configure | commit; end |  |
ericsson_mltn63 | config | exit | write | show running-config
ericsson_mltn66 | config | exit | write | show running-config
extreme |  |  | save configuration primary | show configuration
extreme_ers | configure terminal | end | save config | show running-config
extreme_exos |  |  | save configuration primary | show configuration
extreme_netiron | configure terminal | end | write memory | show running-config
extreme_nos | configure terminal | end | copy running-config startup-config | show running-config
extreme_slx | configure terminal | end | copy running-config startup-config | show running-config
extreme_tierra | configure terminal | end | copy run flash://config-file/startup-config | show running-config
extreme_vdx | configure terminal | end | copy running-config startup-config | show running-config
extreme_vsp | configure terminal | end | save config | show running-config
extreme_wing | configure terminal | end | copy running-config startup-config | show running-config
f5_linux | sudo -s | exit |  |
fiberstore_fsos | config | end | copy running-config startup-config | show running-config
fiberstore_fsosv2 | config | exit | write | show running-config
fiberstore_networkos | configure terminal | exit |  | show running-config
flexvnf | configure | commit; exit configuration-mode |  |
fortinet |  |  |  | show
fsas_sir | configure | end | commit | show running-config
fujitsu_sir | configure | end | commit | show running-config
furukawa_fitelnet | configure terminal | commit; end |  |
garderos_grs | configuration terminal | commit; exit |  |
h3c_comware | system-view | return | save force | display current-configuration
hillstone_stoneos | configure | end | save all | show running-config
hirschmann_hios | configure terminal | end | save | show running-config
hp_comware | system-view | return | save force | display current-configuration
hp_procurve | configure terminal | end | write memory | show running-config
huawei | system-view | return | save | display current-configuration
huawei_olt | config | return | save | display current-configuration
huawei_ont |  |  | save |
huawei_smartax | config | return | save | display current-configuration
huawei_smartaxmmi | config | return | save |
huawei_vrp | system-view | return | save | display current-configuration
huawei_vrpv8 | system-view | commit; return |  | display current-configuration
iij_seilos |  |  | save-to flashrom |
infinera_packet | configure terminal | end | copy running-config startup-config | show running-config
ipinfusion_ocnos | configure terminal | commit; end |  |
juniper | configure | commit; exit configuration-mode |  | show configuration | display set
juniper_screenos |  |  | save config | get config
keymile |  |  | write mem |
keymile_nos | configure terminal | end | write mem | show running-config
lancom_lcossx4 | configure terminal | end | copy running-config startup-config | show running-config
lancom_lcossx5 | configure terminal | end | write memory confirm | show running-config
maipu | configure terminal | end | write | show running-config
mellanox | config term | exit | configuration write | show running-config
mellanox_mlnxos | config term | exit | configuration write | show running-config
mikrotik_routeros |  |  | copy running-config startup-config | /export
mikrotik_switchos |  |  | copy running-config startup-config |
moxa_nos | configure terminal | end | copy running-config startup-config | show running-config
mrv_lx | configuration | end | save config flash | show running-config
mrv_optiswitch | configure terminal | end | save config flash | show running-config
nec_ix |  | exit | write memory |
netapp_cdot | set -privilege diagnostic -confirmations off | set -privilege admin -confirmations off |  |
netgear_prosafe | configure | exit |  | show running-config
nokia_isam | configure | exit all | admin save |
nokia_srl | enter candidate private | commit |  | info flat
nokia_sros | edit-config exclusive | commit |  | admin display-config
oneaccess_oneos | configure terminal | end | write mem | show running-config
opengear_linux | sudo -s | exit |  |
ovs_linux | sudo -s | exit |  |
paloalto_panos | configure | commit; exit |  | show config running
perle_iolan |  |  | save |
quanta_mesh | configure | end | copy running-config startup-config | show running-config
rad_etx | config | exit all | admin save |
raisecom_roap | configure terminal | end | write startup-config | show running-config
raisecom_ros | config | end | write | show running-config
ruckus_fastiron | configure terminal | end | write mem | show running-config
ruijie_os | configure terminal | end | write | show running-config
silverpeak_vxoa | configure terminal | exit | copy running-config startup-config | show running-config
sixwind_os | edit running | commit; exit |  |
supermicro_smis | configure terminal | end | write startup-config | show running-config
telcosystems_binos | configure terminal | end |  | show running-config
teldat_cit | p 4 |  | save yes |
tplink_jetstream | configure | exit | copy running-config startup-config | show running-config
ubiquiti_edge | configure | exit | write memory | show running-config
ubiquiti_edgerouter | configure | commit; exit |  | show configuration commands
ubiquiti_edgeswitch | configure | exit | write memory | show running-config
ubiquiti_unifiswitch | configure | exit | write memory | show running-config
vertiv_mph |  |  | save |
vyatta_vyos | configure | commit; exit |  | show configuration commands
vyos | configure | commit; exit |  | show configuration commands
watchguard_fireware | configure | exit |  | show running-config
yamaha | administrator | exit | save |
zte_zxros | configure terminal | end | write | show running-config
zyxel_os |  |  | copy running-config startup-config |
"""
